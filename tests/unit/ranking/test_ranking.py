"""The log folded into a ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.canaries import Sort
from dearena.outcomes import Outcome
from dearena.ranking import decisions
from dearena.ranking.closing import Closed, closing, settling
from dearena.ranking.court import Case
from dearena.ranking.decisions import NEWCOMER, OPERATOR, RULE, SEED, Decision, DecisionKind, phase_of
from dearena.ranking.entrants import Change
from dearena.ranking.evidence import CANARY, Evidence, Vote
from dearena.ranking.findings import Board
from dearena.ranking.freezing import freeze
from dearena.ranking.frozen import Frozen
from dearena.ranking.health import JudgeRecord
from dearena.ranking.insertion import Coarse, Fine, Phase, Settled
from dearena.ranking.judge_policy import OPEN
from dearena.ranking.orders import Order
from dearena.ranking.pairs import Pair
from dearena.ranking.planning import Plan, plan
from dearena.ranking.ranking import EMPTY, GapInLog, RankingState, Refinement, Withdrawn, apply, entrants_of, replay
from dearena.ranking.rules import Rules
from dearena.ranking.seeding import order_of
from dearena.ranking.standing import Standing
from dearena.ranking.verdict import ONE, PairVerdict
from tests.unit.ranking.planted import entrant

SUSPENDED, REINSTATED = DecisionKind.JUDGE_SUSPENDED, DecisionKind.JUDGE_REINSTATED
REFINEMENT = DecisionKind.REFINEMENT_ORDERED
SEEDS = ("a@1", "b@1", "c@1", "d@1")


class Log:
    """A state, and the decisions that make it, numbered as they come."""

    def __init__(self, seeds: Sequence[str] = SEEDS, *newcomers: str) -> None:
        """These are ranked by a first round, and others admitted after them."""
        self.state = EMPTY
        for model in seeds:
            self.add(decisions.admitted(0, entrant(model), SEED, 0))
        self.open(seeds).close(seeds, settles=True)
        self.add(decisions.seeds_ordered(0, 1, seeds, []))
        self.settle(seeds, seeds)
        for model in newcomers:
            self.admit(model)

    def add(self, *made: Decision) -> "Log":
        for decision in made:
            self.state = apply(self.state, replace(decision, number=self.state.decisions + 1))
        return self

    def admit(self, model: str) -> "Log":
        return self.add(decisions.admitted(0, entrant(model), NEWCOMER, len(self.state.ranking)))

    def open(self, models: Sequence[str], cells: int = 4, *, refines: bool = False) -> "Log":
        number = self.state.last_closed_round + 1
        opened = decisions.round_opened(
            0,
            number,
            models=models,
            pairs=[],
            judges=[],
            frozen=Frozen(),
            cells=cells,
            canaries=0,
            refines=refines,
            cells_digest="",
            policy=OPEN,
        )
        return self.add(opened)

    def close(
        self,
        models: Sequence[str],
        records: Mapping[str, JudgeRecord] | None = None,
        calls: int = 8,
        *,
        settles: bool = False,
    ) -> "Log":
        number = self.state.last_closed_round + 1
        return self.add(decisions.round_closed(0, number, models, {}, records or {}, calls, settles=settles))

    def step(self, model: str, after: Phase, *, low: int = 0, high: int = 0, provisional: bool = False) -> "Log":
        before = self.state.insertions[model].phase
        assert isinstance(before, Coarse | Fine)
        stepped = decisions.stepped(
            0,
            self.state.last_closed_round,
            model=model,
            before=before,
            after=after,
            verdicts=[],
            standing=Standing(0.0, 0.5, low, low, high, low, high),
            provisional=provisional,
        )
        return self.add(stepped)

    def settle(self, models: Sequence[str], ranking: Sequence[str]) -> "Log":
        return self.add(decisions.settled(0, self.state.last_closed_round, models, ranking, "", sure={}))

    def order(self, kind: DecisionKind, judge: str = "", calls: int = 0) -> "Log":
        return self.add(decisions.ordered(0, Order(self.state.orders + 1, kind, judge, "odd", calls)))

    def gateway(self, judge: str, *, may_judge: bool) -> "Log":
        return self.add(decisions.changed(0, Change(judge, retired=False, may_judge=may_judge, reason="")))

    def retire(self, model: str) -> "Log":
        return self.add(decisions.changed(0, Change(model, retired=True, may_judge=False, reason="retired")))

    def phase(self, model: str) -> Any:
        return self.state.insertions[model].phase


def test_the_log_has_no_gaps() -> None:
    first = decisions.admitted(1, entrant("a@1"), decisions.SEED, 0)
    with pytest.raises(GapInLog, match="decision 3 does not follow decision 1"):
        replay([first, replace(first, number=3)])
    with pytest.raises(GapInLog):
        replay([first, first])


def test_what_is_decided_does_not_depend_on_budgets() -> None:
    log = Log(SEEDS, "z@1").open(["z@1"])
    before = log.state
    log.add(*decisions.budgets_lifted(0, 2, ["z@1"], ["dimension algebra", "model a"]))
    assert log.state.decisions == before.decisions + 2
    assert replace(log.state, decisions=before.decisions) == before


def test_a_phase_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="'asleep' is no phase"):
        phase_of({"phase": "asleep"})


# Newcomers.


def newcomers(log: Log) -> tuple[str, ...]:
    return log.state.newcomers


def test_newcomers_are_those_who_search_in_the_order_of_admission() -> None:
    log = Log(SEEDS, "z@1", "f@1", "e@1")
    assert newcomers(log) == log.state.active == ("z@1", "f@1", "e@1")
    assert log.state.seeds == ()
    log.open(["z@1", "f@1", "e@1"]).close(["z@1", "f@1", "e@1"], settles=True)
    log.step("f@1", Settled(0, 0)).step("z@1", Fine(2, 1, 0))
    assert newcomers(log) == ("z@1", "e@1")
    log.settle(["f@1"], ["f@1", *SEEDS]).retire("e@1")
    assert newcomers(log) == ("z@1",)
    assert log.phase("e@1") == Withdrawn()
    assert log.state.insertions["e@1"].is_over
    assert log.state.ranking == ("f@1", *SEEDS)
    assert not log.state.insertions["z@1"].is_over


def test_a_round_is_counted_for_those_it_serves() -> None:
    log = Log(SEEDS, "e@1", "f@1")
    log.open(["e@1", "f@1"]).close(["e@1", "f@1"]).open(["f@1"])
    assert log.state.insertions["e@1"].rounds == (2,)
    assert log.state.insertions["f@1"].rounds == (2, 3)
    assert log.state.open_round is not None
    assert (log.state.open_round.number, log.state.open_round.models) == (3, ("f@1",))
    assert log.close(["f@1"]).state.open_round is None
    assert log.state.last_closed_round == 3


@pytest.mark.parametrize("order", list(permutations(("e@1", "f@1", "g@1"))))
def test_several_settle_at_once_and_the_board_sorts_them(order: Sequence[str]) -> None:
    """In whatever order they step: two of them come to rest in the same gap."""
    log = Log(SEEDS, "e@1", "f@1", "g@1", "h@1")
    places = {"e@1": 4, "f@1": 1, "g@1": 1}
    log.open([*places, "h@1"]).close([*places, "h@1"], settles=True).step("h@1", Coarse(0, 2))
    for model in order:
        log.step(model, Settled(places[model], 0), low=places[model], high=4)
    assert sorted(log.state.resting) == sorted([*SEEDS, *places])
    assert log.state.ranking == SEEDS
    board = ["b@1", "g@1", "a@1", "e@1", "f@1", "c@1", "d@1", "h@1"]
    (settled,) = settling(log.state, board, "digest")
    assert sorted(settled.content["models"]) == sorted(places)
    log.add(settled)
    assert log.state.ranking == tuple(board[:-1])
    ranks = {model: log.state.insertions[model].rank for model in places}
    assert ranks == {"e@1": 4, "f@1": 5, "g@1": 2}
    assert {log.state.insertions[model].settled_by for model in places} == {2}
    assert log.state.insertions["f@1"].interval == (2, 7)  # two others settle beside it, and cannot be told from it
    assert log.state.resting == ()
    assert not log.state.settling
    # The one that searches on had been above c: it may go before, between and behind those that were put in there.
    assert log.state.newcomers == ("h@1",)
    assert log.phase("h@1") == Coarse(0, 5)


def test_a_place_that_was_provisional_once_stays_so() -> None:
    log = Log(SEEDS, "e@1").open(["e@1"]).close(["e@1"], settles=True)
    log.step("e@1", Fine(2, 1, 0), provisional=True).step("e@1", Settled(2, 0))
    assert log.state.insertions["e@1"].provisional
    (settled,) = settling(log.state, ["a@1", "b@1", "e@1", "c@1", "d@1"], "digest")
    assert settled.content["provisional"] == ["e@1"]
    assert settled.content["sure"] == {"e@1": [1, 3]}  # the rank that the board gives lies within


def test_a_newcomers_position_moves_with_those_who_leave_before_it() -> None:
    log = Log(SEEDS, "e@1", "f@1")
    log.open(["e@1", "f@1"]).close(["e@1", "f@1"]).step("e@1", Fine(3, 1, 0)).retire("a@1")
    assert log.state.ranking == SEEDS[1:]
    assert log.state.outdated
    assert (log.phase("e@1"), log.phase("f@1")) == (Fine(2, 1, 0), Coarse(0, 3))


def test_a_seed_that_leaves_before_the_seeding_is_no_seed() -> None:
    state = replay(decisions.admitted(n, entrant(f"{slug}@1"), SEED, 0) for n, slug in enumerate("abc", 1))
    assert state.seeds == state.active == ("a@1", "b@1", "c@1")
    left = Change("b@1", retired=True, may_judge=False, reason="the model is retired")
    state = apply(state, decisions.changed(4, left))
    assert state.seeds == ("a@1", "c@1")
    assert not state.outdated


# Refinement.


def refined(log: Log, calls: int, cells: int | None = None) -> RankingState:
    """After one more round of the refinement, of so many calls."""
    log.open([], calls // 2 if cells is None else cells, refines=True)
    assert log.state.open_round is not None
    assert log.state.open_round.refines
    return log.close([], calls=calls, settles=True).settle([], log.state.ranking).state


def test_a_refinement_goes_on_until_its_calls_are_made() -> None:
    log = Log().order(REFINEMENT, calls=100)
    assert log.state.refinement == Refinement(100, 100)
    assert refined(log, 60).refinement == Refinement(100, 40)
    assert refined(log, 38).refinement == Refinement(100, 2)
    assert refined(log, 2).refinement is None
    assert log.state.orders == 1


def test_a_round_of_a_refinement_that_can_ask_nothing_is_the_last() -> None:
    log = Log().order(REFINEMENT, calls=101)
    refined(log, 100)
    assert log.state.refinement == Refinement(101, 1)
    assert refined(log, 0).refinement is None


def test_rounds_of_newcomers_take_nothing_from_a_refinement() -> None:
    log = Log(SEEDS, "e@1").order(REFINEMENT, calls=100)
    log.open(["e@1"]).close(["e@1"], calls=8)
    log.open([], cells=0).close([], calls=0, settles=True)
    assert log.state.refinement == Refinement(100, 100)


def test_another_order_is_added_to_what_is_left_of_the_one_before() -> None:
    log = Log().order(REFINEMENT, calls=100)
    refined(log, 60)
    assert log.order(REFINEMENT, calls=10).state.refinement == Refinement(50, 50)


# Judges.


def record(**numbers: int) -> JudgeRecord:
    return JudgeRecord(**numbers)


@given(st.lists(st.dictionaries(st.sampled_from(SEEDS), st.integers(1, 9)), max_size=4))
def test_what_rounds_say_of_judges_is_added_up(rounds: list[dict[str, int]]) -> None:
    log = Log(SEEDS, "e@1")
    for cells in rounds:
        records = {judge: record(cells=number, failed=1, against=-number) for judge, number in cells.items()}
        log.open(["e@1"]).close(["e@1"], records)
    for judge in SEEDS:
        numbers = [cells[judge] for cells in rounds if judge in cells]
        known = log.state.health.get(judge, JudgeRecord())
        assert known == record(cells=sum(numbers), failed=len(numbers), against=-sum(numbers))


def test_a_record_begins_anew_when_its_judge_is_reinstated_and_no_other_does() -> None:
    log = Log(SEEDS, "e@1")
    records = {"a@1": record(cells=9), "b@1": record(cells=5)}
    log.open(["e@1"]).close(["e@1"], records).order(SUSPENDED, "a@1")
    assert log.state.health == records
    log.gateway("a@1", may_judge=False).gateway("a@1", may_judge=True)
    assert log.state.health == records
    log.order(REINSTATED, "a@1")
    assert log.state.health == {"b@1": record(cells=5)}
    log.open(["e@1"]).close(["e@1"], {"a@1": record(cells=2)})
    assert log.state.health["a@1"] == record(cells=2)


def test_a_rule_or_an_operator_and_the_gateway_speak_of_different_things() -> None:
    """Whom the gateway takes out of judging has judged well before; whoever is suspended has not."""
    log = Log()
    log.gateway("a@1", may_judge=False)
    judge = log.state.admitted["a@1"]
    assert (judge.may_judge, judge.suspended, judge.judges) == (False, False, False)
    assert not log.state.suspended
    assert not log.state.outdated
    log.order(SUSPENDED, "a@1").gateway("a@1", may_judge=True)
    judge = log.state.admitted["a@1"]
    assert (judge.may_judge, judge.suspended, judge.judges) == (True, True, False)
    assert log.state.suspended == {"a@1"}
    log.gateway("a@1", may_judge=False).order(REINSTATED, "a@1")
    judge = log.state.admitted["a@1"]
    assert (judge.may_judge, judge.suspended, judge.judges) == (False, False, False)
    assert log.gateway("a@1", may_judge=True).state.admitted["a@1"].judges


@pytest.mark.parametrize("by", [RULE, OPERATOR])
def test_a_board_is_outdated_by_whoever_is_suspended_or_reinstated(by: str) -> None:
    log = Log()

    def told(kind: DecisionKind, *, order: int) -> bool:
        content = {"reason": "odd", "by": by} | ({"order": order} if by == OPERATOR else {})
        return log.add(Decision(0, kind, "a@1", 1, content)).state.outdated

    assert not told(REINSTATED, order=1)  # it was never suspended
    assert told(SUSPENDED, order=2)
    assert log.state.suspended == {"a@1"}
    assert not log.settle([], SEEDS).state.outdated
    assert not told(SUSPENDED, order=3)  # it is already
    assert told(REINSTATED, order=4)
    assert log.state.orders == (4 if by == OPERATOR else 0)


def test_an_order_about_nobody_is_taken_up_and_changes_nothing() -> None:
    log = Log()
    before = log.state
    log.order(SUSPENDED, "nobody@1").order(REINSTATED, "nobody@1")
    assert log.state == replace(before, decisions=before.decisions + 2, orders=2)


def test_what_a_round_keeps_of_entrants_tells_who_is_suspended_and_who_has_retired() -> None:
    log = Log().order(SUSPENDED, "b@1").retire("c@1").gateway("d@1", may_judge=False)
    assert [tuple(one.values()) for one in entrants_of(log.state)] == [
        ("a@1", False, False),
        ("b@1", False, True),
        ("c@1", True, False),
        ("d@1", False, False),
    ]


def test_a_judge_may_weigh_nothing_and_one_on_no_board_weighs_as_the_average() -> None:
    state = Log(SEEDS).gateway("d@1", may_judge=False).state
    board = Board(1, "", SEEDS[:2], {"a@1": 0, "b@1": 70_000}, {"a@1": 5, "b@1": -5}, {"a@1": 2, "b@1": 3})
    frozen = freeze(state, board, Evidence())
    assert frozen.weights == {"a@1": 0, "b@1": 70_000, "c@1": ONE}
    assert (frozen.strengths, frozen.errors) == ({"a@1": 5, "b@1": -5}, {"a@1": 2, "b@1": 3})
    assert freeze(state, None, Evidence()) == Frozen(dict.fromkeys(SEEDS[:3], ONE))


def test_what_a_judges_cells_have_cost_is_frozen_where_all_is_in_one_currency() -> None:
    def frozen_costs(*spent: tuple[str, int, str]) -> Mapping[str, int]:
        evidence = Evidence()
        evidence.add(
            1,
            [
                Vote(str(cell), 1, Pair("c@1", "d@1"), judge, f"q{cell}", Outcome.A, 2, cost, currency)
                for cell, (judge, cost, currency) in enumerate(spent)
            ],
        )
        return freeze(Log().state, None, evidence).costs

    assert frozen_costs(("a@1", 30, "USD"), ("a@1", 11, "USD"), ("b@1", 7, "USD")) == {"a@1": 20, "b@1": 7}
    assert frozen_costs(("a@1", 30, "USD"), ("b@1", 0, "")) == {"a@1": 30}
    assert frozen_costs(("a@1", 30, "USD"), ("b@1", 7, "EUR")) == {}


# Rounds.


def test_a_round_cannot_be_closed_that_is_not_open() -> None:
    with pytest.raises(ValueError, match="no round is open"):
        closing(Case(EMPTY, Rules(), (), Frozen(), Evidence()), Closed())


@pytest.mark.parametrize(("weight", "then"), [(ONE, Coarse(3, 4)), (3 * ONE, Coarse(0, 2))])
def test_a_round_is_decided_by_the_weights_of_its_opening(weight: int, then: Coarse) -> None:
    """One judge is for the newcomer and two are against it: with weight enough the one is right."""
    log = Log(SEEDS, "e@1").open(["e@1"])
    opened = log.state.open_round
    assert opened is not None
    state = replace(log.state, open_round=replace(opened, frozen=Frozen({"a@1": weight, "b@1": ONE, "d@1": ONE})))
    # Of c against the newcomer, who is model_b.
    said = {"a@1": Outcome.B, "b@1": Outcome.A, "d@1": Outcome.A}
    votes = [Vote(judge, 1, Pair("c@1", "e@1"), judge, "q1", outcome) for judge, outcome in said.items()]
    evidence = Evidence()
    evidence.add(opened.number, votes)
    since = Frozen(dict.fromkeys(said, 0))
    closed, step = closing(Case(state, Rules(jury="exhaustive"), ("q1",), since, evidence), Closed(votes))
    assert (closed.kind, closed.content["outcomes"]) == (DecisionKind.ROUND_CLOSED, {"A": 2, "B": 1})
    assert phase_of(step.content["after"]) == then


@pytest.mark.parametrize(("failed", "suspended", "then"), [(14, [], Coarse(0, 2)), (15, ["a@1"], Coarse(3, 4))])
def test_whoever_is_suspended_at_a_close_has_no_say_in_its_steps(
    failed: int, suspended: list[str], then: Coarse
) -> None:
    """One judge of much weight is for the newcomer; its next canary failed is the one too many, or not yet."""
    log = Log(SEEDS, "e@1").open(["e@1"])
    opened = log.state.open_round
    assert opened is not None
    weights = Frozen({"a@1": 3 * ONE, "b@1": ONE, "d@1": ONE})
    known = {"a@1": JudgeRecord(cells=failed, canaries=failed, canaries_failed=failed)}
    state = replace(log.state, open_round=replace(opened, frozen=weights), health=known)
    said = {"a@1": Outcome.B, "b@1": Outcome.A, "d@1": Outcome.A}
    votes = [Vote(judge, 1, Pair("c@1", "e@1"), judge, "q1", outcome) for judge, outcome in said.items()]
    votes.append(Vote("canary", 1, Pair("d@1", "d@1"), "a@1", "q1", Outcome.B, kind=CANARY))
    evidence = Evidence()
    evidence.add(opened.number, votes)
    case = Case(state, Rules(jury="exhaustive"), ("q1",), Frozen(), evidence)
    _, *between, step = closing(case, Closed(votes, {"canary": Sort.TRUNCATED}))
    assert [(one.kind, one.model) for one in between] == [(SUSPENDED, judge) for judge in suspended]
    assert phase_of(step.content["after"]) == then


def test_nobody_to_insert_means_nothing_to_ask() -> None:
    assert plan(Case(EMPTY, Rules(), ("q1",), Frozen(), Evidence())) == Plan((), ())


def test_seeds_are_ordered_by_pairs_won_equal_ones_canonically() -> None:
    def won(winner: str, loser: str) -> PairVerdict:
        pair = Pair.of(winner, loser)
        a, b = (int(model == winner) for model in pair)
        return PairVerdict(pair, a, b, a, b, 0)

    verdicts = [won("c@1", "a@1"), won("c@1", "b@1"), won("b@1", "d@1"), won("a@1", "d@1")]
    assert order_of(["d@1", "b@1", "c@1", "a@1"], verdicts) == ("c@1", "a@1", "b@1", "d@1")
