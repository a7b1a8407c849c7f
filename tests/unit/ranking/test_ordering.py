"""Comparisons that somebody orders: asked by the next round, each by different judges, and nothing twice."""

from hypothesis import given
from hypothesis import strategies as st

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


RANKED = ranked()


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


def test_orders_and_newcomers_take_turns() -> None:
    world = Planted.economy(0, 8, 4)
    played = Played(world, Rules(seed_models=5), [world.models[:5]])
    played.rest()
    one, other, *_ = sorted(played.state.ranking)
    before = len(played.of_kind(DecisionKind.ROUND_OPENED))
    played.enter(world.models[5:])
    for query in world.queries:
        played.compare([Comparison(Pair.of(one, other), query, 1)])
    played.rest()
    turns = [bool(one.content.get("order")) for one in played.of_kind(DecisionKind.ROUND_OPENED)[before:]]
    both = turns[: 2 * len(world.queries)]
    assert sum(turns) == len(world.queries) < len(turns) - 2
    assert both in ([True, False] * len(world.queries), [False, True] * len(world.queries))
    assert set(played.state.ranking) == set(world.models)
    assert replay(played.log) == played.state


@given(data=st.data())
def test_whatever_is_ordered_is_asked_of_whom_it_may_be_and_once(data: st.DataObject) -> None:
    """Never a ballot twice, never more than ordered or of others, and as many as there are judges for."""
    played = RANKED.restarted()
    models = sorted(played.state.ranking)
    pairs = st.tuples(st.sampled_from(models), st.sampled_from(models)).filter(lambda two: two[0] != two[1])
    wanted = data.draw(
        st.dictionaries(
            st.tuples(pairs.map(lambda two: Pair.of(*two)), st.sampled_from(played.world.queries)),
            st.integers(1, 6),
            min_size=1,
            max_size=12,
        )
    )
    leaving = data.draw(st.sampled_from(["", *models]))
    before = {(vote.pair, vote.query_id, vote.judge) for vote in played.asked()}
    played.compare([Comparison(pair, query, votes) for (pair, query), votes in wanted.items()])
    if leaving:
        played.retire(leaving)
    played.rest()
    (opened,) = [one for one in played.of_kind(DecisionKind.ROUND_OPENED) if one.content.get("order")]
    new = [vote for vote in played.votes.get(opened.round, ()) if vote.kind == "VOTE"]
    ballots = [(vote.pair, vote.query_id, vote.judge) for vote in new]
    assert len(ballots) == len(set(ballots))
    assert before.isdisjoint(ballots)
    for (pair, query), votes in wanted.items():
        asked = [judge for at, on, judge in ballots if (at, on) == (pair, query)]
        known = {judge for at, on, judge in before if (at, on) == (pair, query)}
        left = set(models) - set(pair) - known - {leaving}
        assert len(asked) == (0 if leaving in pair else min(votes, len(left)))
        assert set(asked) <= left
    assert {(pair, query) for pair, query, _ in ballots} <= set(wanted)
    assert played.state.comparisons_done == 1
    assert replay(played.log) == played.state


def test_comparisons_are_told_compactly_and_read_again() -> None:
    pair, beside = Pair("a@1", "b@1"), Pair("a@1", "c@1")
    ordered = (Comparison(pair, "q1", 2), Comparison(pair, "q2", 1), Comparison(beside, "q1", 3))
    content = comparisons_content(ordered)
    assert content == [["a@1", "b@1", [["q1", 2], ["q2", 1]]], ["a@1", "c@1", [["q1", 3]]]]
    assert comparisons_in({"comparisons": content}) == ordered
