"""Comparisons that somebody orders: asked by the next round, each by different judges, and nothing twice."""

from dearena.ranking.decisions import DecisionKind
from dearena.ranking.explain import concerns
from dearena.ranking.orders import Comparison, comparisons_content, comparisons_in
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import replay
from dearena.ranking.rules import Rules
from dearena.ranking.why import why
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played


def ranked() -> Played:
    played = Played(Planted.economy(0, 6, 3), Rules(seed_models=6))
    played.rest()
    return played


def untouched(played: Played) -> list[Comparison]:
    """Two votes on everything that has been asked least."""
    models = sorted(played.state.ranking)
    pairs = [Pair.of(one, other) for one in models for other in models if one < other]
    return [Comparison(pair, query, 2) for pair in pairs for query in played.world.queries]


def test_what_is_ordered_is_asked_by_different_judges_and_never_twice() -> None:
    played = ranked()
    before = {pair: set(played.evidence.of_pair(pair)) for pair in played.evidence.pairs}
    ordered = untouched(played)
    played.compare(ordered)
    played.rest()
    (opened,) = [one for one in played.of_kind(DecisionKind.ROUND_OPENED) if one.content.get("order") == 1]
    new = [vote for vote in played.votes[opened.round] if vote.kind == "VOTE"]
    for pair, query, votes in ordered:
        judges = [vote.judge for vote in new if (vote.pair, vote.query_id) == (pair, query)]
        asked = {ballot.judge for ballot in before.get(pair, ()) if ballot.query_id == query}
        assert len(judges) == len(set(judges)) == min(votes, 4 - len(asked))
        assert not asked.intersection(judges)
        assert not set(judges).intersection(pair)
    assert opened.content["models"] == []
    assert played.state.ordered == ()
    assert played.state.comparisons_done == 1
    assert any(one.kind is DecisionKind.SETTLED and one.round == opened.round for one in played.log)
    assert replay(played.log) == played.state


def test_what_cannot_be_asked_is_left_out_and_the_order_is_done_all_the_same() -> None:
    played = ranked()
    gone, *_, one, other = sorted(played.state.ranking)
    query = played.world.queries[0]
    played.compare([Comparison(Pair.of(gone, one), query, 2), Comparison(Pair.of(one, other), "no query", 2)])
    played.retire(gone)
    played.rest()
    opened = played.of_kind(DecisionKind.ROUND_OPENED)[-1]
    assert opened.content["order"] == 1
    assert opened.content["cells"] == 0
    assert why(opened).endswith("of what order 1 says nothing is left to ask")
    assert played.state.comparisons_done == 1


def test_orders_are_done_one_after_the_other_and_concern_whom_they_compare() -> None:
    played = ranked()
    one, other, third, *_ = sorted(played.state.ranking)
    query = played.world.queries[0]
    for pair in (Pair.of(one, other), Pair.of(one, third)):
        played.compare([Comparison(pair, query, 1)])
    played.until(lambda state: state.orders == 2)
    assert played.state.comparisons_done == 0
    played.rest()
    assert played.state.comparisons_done == 2
    first, second = played.of_kind(DecisionKind.COMPARISONS_ORDERED)
    assert why(first) == "order 1: 1 vote is to be asked on 1 pair and 1 query"
    assert concerns(other, first)
    assert not concerns(other, second)


def test_comparisons_are_told_compactly_and_read_again() -> None:
    pair, beside = Pair("a@1", "b@1"), Pair("a@1", "c@1")
    ordered = (Comparison(pair, "q1", 2), Comparison(pair, "q2", 1), Comparison(beside, "q1", 3))
    content = comparisons_content(ordered)
    assert content == [["a@1", "b@1", [["q1", 2], ["q2", 1]]], ["a@1", "c@1", [["q1", 3]]]]
    assert comparisons_in({"comparisons": content}) == ordered
