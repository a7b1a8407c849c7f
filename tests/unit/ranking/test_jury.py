"""How a pair is decided: what every policy keeps to, and what each does of its own."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.ranking.draws import Shown
from dearena.ranking.evidence import READABLE, VOTE, Ballot, Evidence, Heard, Vote, counted
from dearena.ranking.exhaustive import exhaustive
from dearena.ranking.juries import JURIES, jury_named
from dearena.ranking.jury import Hearing, Jury, Patience, Ruling
from dearena.ranking.pairs import Pair, in_order, pairs_in_order
from dearena.ranking.sequential import _in_order_of_asking, sequential
from dearena.ranking.verdict import ONE, weigh

PAIR = Pair("alpha@1", "beta@1")
JUDGES = ("delta@1", "eta@1", "gamma@1")
QUERIES = ("q1", "q2", "q3", "q4")
ALL = [Ballot(judge, query) for judge in JUDGES for query in QUERIES]
PATIENCE = Patience(error=0.05, cap=40)
POLICIES = pytest.mark.parametrize("jury", JURIES.values(), ids=JURIES.keys())
OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=len(ALL), max_size=len(ALL))


def hearing(evidence: dict[Ballot, Heard] | None = None, **fields: object) -> Hearing:
    plain = Hearing(PAIR, JUDGES, QUERIES, {}, evidence or {}, PATIENCE, shown=Shown(Evidence()))
    return replace(plain, **fields)  # type: ignore[arg-type]


def heard_out(jury: Jury, said: dict[Ballot, Outcome], **fields: object) -> tuple[list[Ruling], dict[Ballot, Heard]]:
    """Rulings round by round until the jury wants no more."""
    evidence: dict[Ballot, Heard] = {}
    rulings: list[Ruling] = []
    while True:
        rulings.append(jury(hearing(evidence, **fields)))
        if not rulings[-1].waits:
            return rulings, evidence
        assert rulings[-1].wanted
        assert not {ask.ballot for ask in rulings[-1].wanted} & evidence.keys()
        evidence |= {ask.ballot: Heard(said[ask.ballot], len(rulings)) for ask in rulings[-1].wanted}


@POLICIES
@given(said=OUTCOMES)
def test_a_hearing_ends_whatever_is_said_and_nothing_is_asked_twice(jury: Jury, said: list[Outcome]) -> None:
    rulings, evidence = heard_out(jury, dict(zip(ALL, said, strict=True)))
    assert len(rulings) <= len(ALL) + 1
    assert rulings[-1].wanted == ()
    verdict = rulings[-1].verdict
    assert verdict.votes_a + verdict.votes_b + verdict.others == len(evidence)


@POLICIES
@given(said=OUTCOMES, seen=st.sets(st.sampled_from(ALL)), order=st.permutations(ALL))
def test_the_same_hearing_has_the_same_ruling_in_whatever_order_its_evidence_came(
    jury: Jury, said: list[Outcome], seen: set[Ballot], order: list[Ballot]
) -> None:
    outcomes = dict(zip(ALL, said, strict=True))
    evidence = {ballot: Heard(outcomes[ballot], 1 + ALL.index(ballot) % 3) for ballot in ALL if ballot in seen}
    again = {ballot: evidence[ballot] for ballot in order if ballot in seen}
    assert jury(hearing(again)) == jury(hearing(evidence))
    undrawn = jury(hearing(evidence, shown=None))
    assert (undrawn.waits, undrawn.verdict) == (jury(hearing(evidence)).waits, jury(hearing(evidence)).verdict)


@POLICIES
@given(said=OUTCOMES, rest=OUTCOMES)
def test_a_verdict_that_waits_for_nothing_stays(jury: Jury, said: list[Outcome], rest: list[Outcome]) -> None:
    """Whoever is asked for another reason later does not undecide what was decided."""
    rulings, evidence = heard_out(jury, dict(zip(ALL, said, strict=True)))
    more = evidence | {b: Heard(one, 99) for b, one in zip(ALL, rest, strict=True) if b not in evidence}
    if jury is exhaustive or rulings[-1].verdict.preferred:
        assert jury(hearing(more)).verdict.winner == rulings[-1].verdict.winner
        assert jury(hearing(more)).verdict.preferred == rulings[-1].verdict.preferred


@POLICIES
@given(said=OUTCOMES, other=OUTCOMES)
def test_what_silent_judges_say_does_not_count(jury: Jury, said: list[Outcome], other: list[Outcome]) -> None:
    """That they could be read does: their votes keep their places."""
    quiet = frozenset({"eta@1"})
    evidence = {ballot: Heard(one, 1) for ballot, one in zip(ALL, said, strict=True)}
    changed = {
        b: Heard(one, 1) if b.judge in quiet and {one, evidence[b].outcome} <= READABLE else evidence[b]
        for b, one in zip(ALL, other, strict=True)
    }
    assert jury(hearing(evidence, silent=quiet)) == jury(hearing(changed, silent=quiet))


@POLICIES
def test_a_pair_of_which_all_votes_agree_goes_to_the_one_they_prefer(jury: Jury) -> None:
    for said, winner in ((Outcome.A, PAIR.model_a), (Outcome.B, PAIR.model_b), (Outcome.TIE, None)):
        rulings, _ = heard_out(jury, dict.fromkeys(ALL, said))
        assert rulings[-1].verdict.winner == winner


@POLICIES
def test_gaps_in_what_can_be_asked_end_a_hearing_sooner(jury: Jury) -> None:
    _, evidence = heard_out(
        jury, dict.fromkeys(ALL, Outcome.FLIP), askable=lambda _pair, judge, query: (judge, query) in ALL[:5]
    )
    assert evidence.keys() == set(ALL[:5])


def test_the_jury_that_stops_says_when_nobody_is_left_to_ask() -> None:
    failed, evidence = heard_out(sequential, dict.fromkeys(ALL, Outcome.FAILED))
    assert evidence.keys() == set(ALL)
    assert failed[-1].short
    assert failed[-1].verdict.winner is None


def test_attempts_are_limited_and_that_is_told() -> None:
    rulings, evidence = heard_out(
        sequential, dict.fromkeys(ALL, Outcome.FAILED), patience=Patience(error=0.05, cap=2, batch=2)
    )
    assert 2 < len(evidence) < len(ALL)
    assert rulings[-1].short


def test_one_that_fails_is_replaced_by_others() -> None:
    said = {ballot: Outcome.FAILED if ballot.judge == "eta@1" else Outcome.FLIP for ballot in ALL}
    rulings, evidence = heard_out(sequential, said, patience=Patience(error=0.05, cap=6, batch=6))
    assert sum(one.outcome in READABLE for one in evidence.values()) == 6
    assert any(one.outcome is Outcome.FAILED for one in evidence.values())
    assert not rulings[-1].short


def test_a_search_may_stop_on_a_direction_which_decides_nothing() -> None:
    patience = Patience(error=0.001, cap=40, direction_error=0.4, direction_cap=4, batch=4)
    rulings, evidence = heard_out(sequential, dict.fromkeys(ALL, Outcome.A), patience=patience)
    assert len(evidence) == 4
    assert rulings[-1].verdict.winner == PAIR.model_a
    assert not rulings[-1].verdict.decided
    assert not rulings[-1].short


@given(said=OUTCOMES)
def test_no_more_is_asked_than_the_cap_where_all_can_be_read(said: list[Outcome]) -> None:
    readable = [one if one in READABLE else Outcome.TIE for one in said]
    patience = Patience(error=0.05, cap=7, batch=3)
    rulings, evidence = heard_out(sequential, dict(zip(ALL, readable, strict=True)), patience=patience)
    assert len(evidence) <= 7
    assert not rulings[-1].short
    assert rulings[-1].verdict.error == 0.05
    assert rulings[-1].verdict.queries <= len(QUERIES)


@given(said=st.lists(st.sampled_from(sorted(READABLE)), min_size=len(ALL), max_size=len(ALL)), data=st.data())
def test_the_order_in_which_votes_are_looked_at_does_not_depend_on_what_they_say(
    said: list[Outcome], data: st.DataObject
) -> None:
    """The error of all looks rests on it: cells of one round may say anything, each whatever another said."""
    rounds = [ALL[start::3] for start in range(3)]
    outcomes = dict(zip(ALL, said, strict=True))

    def order(heard: dict[Ballot, Outcome]) -> list[Ballot]:
        evidence = {ballot: Heard(heard[ballot], number) for number, cells in enumerate(rounds, 1) for ballot in cells}
        return [ballot for ballot, _ in _in_order_of_asking(PAIR, evidence)]

    otherwise: dict[Ballot, Outcome] = {}
    for cells in rounds:
        otherwise |= zip(cells, data.draw(st.permutations([outcomes[ballot] for ballot in cells])), strict=True)
    assert order(otherwise) == order(outcomes)


@given(OUTCOMES, st.lists(st.integers(0, 200_000), min_size=3, max_size=3))
def test_the_verdict_of_the_exhaustive_jury_is_the_sum_of_weights(said: list[Outcome], weights: list[int]) -> None:
    weight = dict(zip(JUDGES, weights, strict=True))
    evidence = {ballot: Heard(one, 1) for ballot, one in zip(ALL, said, strict=True)}
    ruling = exhaustive(hearing(evidence, weights=weight))
    assert not ruling.wanted
    by = {
        side: sum(weight[ballot.judge] for ballot, heard in evidence.items() if heard.outcome is side)
        for side in (Outcome.A, Outcome.B)
    }
    assert (ruling.verdict.weight_a, ruling.verdict.weight_b) == (by[Outcome.A], by[Outcome.B])
    margin = by[Outcome.A] - by[Outcome.B]
    assert ruling.verdict.winner == (PAIR.model_a if margin > 0 else PAIR.model_b if margin < 0 else None)


def test_the_exhaustive_jury_wants_every_judge_on_every_query_at_once() -> None:
    assert [ask.ballot for ask in exhaustive(hearing()).wanted] == ALL


def test_judges_who_are_not_of_the_exhaustive_jury_have_no_say() -> None:
    evidence = {ballot: Heard(Outcome.A, 1) for ballot in ALL}
    evidence |= {Ballot("omega@1", query): Heard(Outcome.B, 1) for query in QUERIES}
    assert exhaustive(hearing(evidence, weights={"omega@1": 99 * ONE})).verdict.weight_b == 0


def test_a_judge_on_no_board_weighs_as_the_average_does() -> None:
    verdict = weigh(PAIR, [("delta@1", Outcome.A), ("gamma@1", Outcome.B)], {"gamma@1": ONE - 1})
    assert (verdict.weight_a, verdict.weight_b) == (ONE, ONE - 1)
    assert verdict.winner == PAIR.model_a


def test_an_unknown_jury_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidField, match=r"ranking\.jury: 'oracle' is none of exhaustive, sequential"):
        jury_named("oracle")


def vote(outcome: Outcome, attempt: int = 1, query: str = "q1", kind: str = VOTE) -> Vote:
    return Vote(f"gamma@1/{query}", attempt, PAIR, "gamma@1", query, outcome, 2, kind=kind)


def test_of_a_cells_attempts_the_newest_counts_whichever_came_first() -> None:
    first, second = vote(Outcome.FAILED), vote(Outcome.A, attempt=2)
    for order in ([first, second], [second, first]):
        evidence = Evidence()
        evidence.add(1, order)
        evidence.add(1, order)
        assert evidence.of_pair(PAIR) == {Ballot("gamma@1", "q1"): Heard(Outcome.A, 1, 2)}
        assert evidence.spent_on("alpha@1").calls == evidence.spent_by("gamma@1").calls == 4
        assert counted(order) == {"A": 1}
    assert Evidence().of_pair(PAIR) == {}


def test_canaries_are_no_evidence_but_cost() -> None:
    evidence = Evidence()
    evidence.add(1, [vote(Outcome.A, kind="CANARY")])
    assert not evidence.of_pair(PAIR)
    assert evidence.spent_on("alpha@1").calls == 0
    assert evidence.spent_by("gamma@1").calls == 2


def test_outcomes_are_counted_in_one_order() -> None:
    votes = [vote(outcome, query=f"q{place}") for place, outcome in enumerate(reversed(Outcome))]
    assert list(counted(votes)) == [str(outcome) for outcome in Outcome]


def test_the_canonical_order_is_by_slug_then_number() -> None:
    assert in_order(["b@10", "b@9", "a-b@1", "a@2"]) == ("a@2", "a-b@1", "b@9", "b@10")
    assert Pair.of("b@10", "b@9") == Pair("b@9", "b@10")
    assert pairs_in_order([Pair("b@9", "b@10"), Pair("a@2", "b@10"), Pair("a@2", "b@9")]) == (
        Pair("a@2", "b@9"),
        Pair("a@2", "b@10"),
        Pair("b@9", "b@10"),
    )
    assert Pair("a@2", "b@9").opponent_of("a@2") == "b@9"
