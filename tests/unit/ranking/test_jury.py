"""How a pair is decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.ranking.evidence import Ballot, Evidence, Vote, counted
from dearena.ranking.jury import Hearing, exhaustive, jury_named
from dearena.ranking.pairs import Pair, in_order, pairs_in_order
from dearena.ranking.verdict import ONE, weigh

PAIR = Pair("alpha@1", "beta@1")
JUDGES = ("delta@1", "gamma@1")
QUERIES = ("q1", "q2", "q3")


def hearing(evidence: dict[Ballot, Outcome], **weights: int) -> Hearing:
    return Hearing(PAIR, JUDGES, QUERIES, {f"{slug}@1": weight for slug, weight in weights.items()}, evidence)


ALL = [Ballot(judge, query) for judge in JUDGES for query in QUERIES]


def test_the_exhaustive_jury_wants_every_judge_on_every_query_and_nothing_twice() -> None:
    assert exhaustive(hearing({})).wanted == tuple(ALL)
    known = {ALL[0]: Outcome.A, ALL[4]: Outcome.FAILED}
    ruling = exhaustive(hearing(known))
    assert ruling.wanted == tuple(ballot for ballot in ALL if ballot not in known)
    assert ruling.verdict is None


@given(st.lists(st.sampled_from(Outcome), min_size=6, max_size=6), st.integers(0, 200_000), st.integers(0, 200_000))
def test_its_verdict_is_the_sum_of_weights(outcomes: list[Outcome], delta: int, gamma: int) -> None:
    evidence = dict(zip(ALL, outcomes, strict=True))
    ruling = exhaustive(hearing(evidence, delta=delta, gamma=gamma))
    assert not ruling.wanted
    assert ruling.verdict is not None
    weight = {"delta@1": delta, "gamma@1": gamma}
    by = {
        side: sum(weight[ballot.judge] for ballot, outcome in evidence.items() if outcome is side)
        for side in (Outcome.A, Outcome.B)
    }
    assert (ruling.verdict.weight_a, ruling.verdict.weight_b) == (by[Outcome.A], by[Outcome.B])
    assert ruling.verdict.votes_a + ruling.verdict.votes_b + ruling.verdict.others == len(ALL)
    margin = by[Outcome.A] - by[Outcome.B]
    assert ruling.verdict.winner == (PAIR.model_a if margin > 0 else PAIR.model_b if margin < 0 else None)


def test_judges_who_are_not_of_the_jury_have_no_say() -> None:
    evidence = dict.fromkeys(ALL, Outcome.A) | {Ballot("omega@1", query): Outcome.B for query in QUERIES}
    verdict = exhaustive(hearing(evidence, omega=99 * ONE)).verdict
    assert verdict is not None
    assert verdict.weight_b == 0


def test_a_judge_on_no_board_weighs_as_the_average_does() -> None:
    verdict = weigh(PAIR, [("delta@1", Outcome.A), ("gamma@1", Outcome.B)], {"gamma@1": ONE - 1})
    assert (verdict.weight_a, verdict.weight_b) == (ONE, ONE - 1)
    assert verdict.winner == PAIR.model_a


def test_an_unknown_jury_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidField, match=r"ranking\.jury: 'oracle' is none of exhaustive"):
        jury_named("oracle")


def vote(outcome: Outcome, attempt: int = 1, judge: str = "gamma@1", query: str = "q1") -> Vote:
    return Vote(f"{judge}/{query}", attempt, PAIR, judge, query, outcome)


def test_of_a_cells_attempts_the_newest_counts_whichever_came_first() -> None:
    first, second = vote(Outcome.FAILED), vote(Outcome.A, attempt=2)
    for order in ([first, second], [second, first]):
        assert Evidence(order).of_pair(PAIR) == {Ballot("gamma@1", "q1"): Outcome.A}
        assert counted(order) == {"A": 1}
    assert Evidence().of_pair(PAIR) == {}


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
