"""The log folded into a ranking."""

from dataclasses import replace

import pytest

from dearena.outcomes import Outcome
from dearena.ranking import decisions
from dearena.ranking.decisions import Decision, DecisionKind, phase_of
from dearena.ranking.entrants import Change
from dearena.ranking.evidence import Evidence, Vote
from dearena.ranking.insertion import Coarse
from dearena.ranking.jury import JURIES, Hearing, Ruling
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import EMPTY, GapInLog, Withdrawn, apply, replay
from dearena.ranking.rules import Rules
from dearena.ranking.seeding import order_of
from dearena.ranking.steps import JuryStuck, Plan, closing, plan, weights_of
from dearena.ranking.verdict import ONE, PairVerdict
from tests.unit.ranking.planted import World, entrant, play


def left_it(model: str) -> Change:
    return Change(model, retired=True, may_judge=False, reason="the model is retired")


def test_the_log_has_no_gaps() -> None:
    first = decisions.admitted(1, entrant("a@1"), decisions.SEED, 0)
    with pytest.raises(GapInLog, match="decision 3 does not follow decision 1"):
        replay([first, replace(first, number=3)])
    with pytest.raises(GapInLog):
        replay([first, first])


def test_entries_that_nobody_writes_yet_can_be_read() -> None:
    assert apply(EMPTY, Decision(1, DecisionKind.BUDGET_LIFTED, "", 0, {})).decisions == 1


def test_a_newcomers_position_moves_with_those_who_leave_before_it() -> None:
    played = play(World.plant(0, models=7, queries=2))
    while not played.state.newcomer:
        played.step()
    best = played.state.ranking[0]
    state = played.state
    assert state.insertions[state.newcomer].phase == Coarse(0, 5)
    left = apply(state, decisions.changed(state.decisions + 1, left_it(best)))
    assert left.ranking == state.ranking[1:]
    assert left.insertions[left.newcomer].phase == Coarse(0, 4)
    assert left.outdated
    gone = apply(
        left,
        decisions.changed(left.decisions + 1, left_it(left.newcomer)),
    )
    assert gone.newcomer == ""
    assert gone.insertions[state.newcomer].phase == Withdrawn()
    assert gone.insertions[state.newcomer].is_over


def test_a_seed_that_leaves_before_the_seeding_is_no_seed() -> None:
    state = replay(decisions.admitted(n, entrant(f"{slug}@1"), decisions.SEED, 0) for n, slug in enumerate("abc", 1))
    assert state.seeds == ("a@1", "b@1", "c@1")
    state = apply(state, decisions.changed(4, left_it("b@1")))
    assert state.seeds == ("a@1", "c@1")
    assert not state.outdated


def test_a_judge_may_weigh_nothing_and_one_on_no_board_weighs_as_the_average() -> None:
    state = replay(decisions.admitted(n, entrant(f"{slug}@1"), decisions.SEED, 0) for n, slug in enumerate("abc", 1))
    assert weights_of(state, {"a@1": 0, "b@1": 70_000}) == {"a@1": 0, "b@1": 70_000, "c@1": ONE}


def test_a_round_cannot_be_closed_that_is_not_open() -> None:
    with pytest.raises(ValueError, match="no round is open"):
        closing(EMPTY, Rules(), (), Evidence(), {})


@pytest.mark.parametrize(("weight", "then"), [(1, Coarse(3, 5)), (10 * ONE, Coarse(0, 2))])
def test_a_round_is_decided_by_the_weights_of_its_opening(weight: int, then: Coarse) -> None:
    """One judge is for the newcomer and three are against it: with weight enough the one is right."""
    played = play(World.plant(0, models=6, queries=1))
    while not played.state.newcomer:
        played.step()
    played.step()
    opened = played.state.open_round
    assert opened is not None
    cells = played.cells[opened.number]
    one, *others = (cell.judge for cell in cells)
    assert len(others) == 3
    # The newcomer has the last slug: it is model_b.
    votes = [
        Vote(cell.cell_id, 1, cell.pair, cell.judge, cell.query_id, Outcome.B if cell.judge == one else Outcome.A)
        for cell in cells
    ]
    weights = {**dict.fromkeys(others, ONE), one: weight}
    state = replace(played.state, open_round=replace(opened, weights=weights))
    _, step = closing(state, played.rules, played.queries, Evidence(votes), {})
    assert phase_of(step.content["after"]) == then


def test_seeds_are_ordered_by_pairs_won_equal_ones_canonically() -> None:
    def won(winner: str, loser: str) -> PairVerdict:
        pair = Pair.of(winner, loser)
        a, b = (int(model == winner) for model in pair)
        return PairVerdict(pair, a, b, a, b, 0)

    verdicts = [won("c@1", "a@1"), won("c@1", "b@1"), won("b@1", "d@1"), won("a@1", "d@1")]
    assert order_of(["d@1", "b@1", "c@1", "a@1"], verdicts) == ("c@1", "a@1", "b@1", "d@1")


def test_a_jury_that_neither_asks_nor_decides_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JURIES, "mute", lambda _hearing: Ruling())
    played = play(World.plant(0, models=5, queries=2), rules=Rules(jury="mute"))
    with pytest.raises(JuryStuck, match="mute"):
        played.run()


def test_a_jury_may_ask_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The insertion does not know how a jury spends: one that asks query by query ends where the others do."""
    exhaustive = JURIES["exhaustive"]

    def query_by_query(hearing: Hearing) -> Ruling:
        ruling = exhaustive(hearing)
        first = [ballot for ballot in ruling.wanted if ballot.query_id == ruling.wanted[0].query_id]
        return replace(ruling, wanted=tuple(first))

    monkeypatch.setitem(JURIES, "batches", query_by_query)
    world = World.plant(0, models=7, queries=3)
    at_once, batches = play(world), play(world, rules=Rules(jury="batches"))
    at_once.run()
    batches.run()
    assert batches.state.last_closed_round > at_once.state.last_closed_round
    assert sorted(batches.state.ranking) == sorted(at_once.state.ranking)
    assert batches.replayed() == batches.state
    seeding = {cell.cell_id for cell in at_once.cells[1]}
    assert {cell.cell_id for number in (1, 2, 3) for cell in batches.cells[number]} == seeding


def test_nobody_to_insert_means_nothing_to_ask() -> None:
    assert plan(EMPTY, Rules(), ("q1",), {}, Evidence()) == Plan(models=(), wanted=())


def test_a_phase_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="'asleep' is no phase"):
        phase_of({"phase": "asleep"})
