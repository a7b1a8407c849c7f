"""A revised dimension is ranked as if nothing had been decided, but for what counts on."""

from dataclasses import replace
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking import decisions
from dearena.ranking.agenda import ReviewHeld, between_rounds
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Entrant
from dearena.ranking.explain import explain
from dearena.ranking.orders import Comparison, Order
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import EMPTY, RankingState, apply, replay
from dearena.ranking.rules import Rules
from dearena.ranking.why import why
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

WORLD = Planted.economy(0, 7, 4)


@cache
def log() -> tuple[Decision, ...]:
    """Seeds, newcomers, and orders of every kind."""
    arena = Played(WORLD, Rules())
    arena.run()
    first, second = arena.state.ranking[:2]
    arena.order(DecisionKind.JUDGE_SUSPENDED, first)
    arena.order(DecisionKind.REFINEMENT_ORDERED, calls=200)
    arena.compare([Comparison(Pair.of(first, second), WORLD.queries[0], 2)])
    arena.run()
    return tuple(arena.log)


def revised(state: RankingState, version: int = 2) -> RankingState:
    return apply(state, decisions.revised(state.decisions + 1, version, state.last_closed_round + 1))


def shifted(decision: Decision, by: RankingState) -> Decision:
    """The same decision, further on in the log and by later rounds."""
    content = dict(decision.content)
    if "order" in content:
        content["order"] += by.orders
    return replace(
        decision,
        number=decision.number + by.decisions,
        round=decision.round and decision.round + by.last_closed_round,
        content=content,
    )


def back(state: RankingState, by: RankingState) -> RankingState:
    """A state with its counters set back by those of another."""
    insertions = {
        model: replace(
            one,
            admitted_by=one.admitted_by - by.decisions,
            rounds=tuple(number - by.last_closed_round for number in one.rounds),
            settled_by=one.settled_by and one.settled_by - by.last_closed_round,
        )
        for model, one in state.insertions.items()
    }
    opened = state.open_round
    if opened is not None:
        opened = replace(
            opened,
            number=opened.number - by.last_closed_round,
            order=opened.order and opened.order - by.orders,
        )
    return replace(
        state,
        decisions=state.decisions - by.decisions,
        insertions=insertions,
        open_round=opened,
        last_closed_round=state.last_closed_round - by.last_closed_round,
        orders=state.orders - by.orders,
        ordered=tuple(replace(one, order=one.order - by.orders) for one in state.ordered),
        version=0,
        first_round=1,
        barred=frozenset(),
    )


@given(st.data())
def test_what_is_decided_after_a_revision_is_as_from_the_start_but_for_counters(data: st.DataObject) -> None:
    whole = log()
    before = replay(whole[: data.draw(st.integers(0, len(whole)), label="decided before")])
    # Who was suspended stays so, which a new dimension knows nothing of: told apart below.
    begun = replace(revised(before), barred=frozenset())
    after = data.draw(st.integers(0, len(whole)), label="decided after")
    again = replay([shifted(one, begun) for one in whole[:after]], begun)
    assert back(again, begun) == replay(whole[:after])
    assert again.first_round == before.last_closed_round + 1
    assert again.version == 2
    assert again.has_board == replay(whole[:after]).has_board


def test_orders_are_dropped_and_nobody_waits_for_them() -> None:
    whole = log()
    place = next(n for n, one in enumerate(whole) if one.kind is DecisionKind.COMPARISONS_ORDERED)
    asked = replay(whole[: place + 1])
    assert asked.ordered
    assert asked.refinement
    assert asked.comparisons_done < asked.orders
    begun = revised(asked)
    assert (begun.ordered, begun.refinement) == ((), None)
    assert begun.comparisons_done == begun.orders == asked.orders


def test_a_suspended_judge_stays_so_until_somebody_reinstates_it() -> None:
    whole = log()
    state = replay(whole)
    (judge,) = state.suspended
    begun = revised(state)
    assert begun.suspended == {judge}
    admission = next(one for one in whole if one.kind is DecisionKind.ADMITTED and one.model == judge)
    admitted = apply(begun, replace(admission, number=begun.decisions + 1))
    assert admitted.admitted[judge].suspended
    assert admitted.barred == frozenset()
    assert not admitted.outdated
    # Before it is admitted, or after.
    word = Order(begun.orders + 1, DecisionKind.JUDGE_REINSTATED, judge, "it was the queries")
    for suspended in (begun, admitted):
        assert not apply(suspended, decisions.ordered(suspended.decisions + 1, word)).suspended
    # A second revision forgets nobody.
    assert revised(begun, 3).suspended == {judge}


def test_a_revision_comes_after_what_is_known_and_was_ordered_before() -> None:
    state = replay(log())
    word = Order(state.orders + 1, DecisionKind.REFINEMENT_ORDERED, calls=8)
    rules = Rules()
    found = between_rounds(state, rules, _entrants(), [word], revised_to=2)
    assert [one.kind for one in _decided(found)] == [DecisionKind.REFINEMENT_ORDERED]
    found = between_rounds(apply(state, _decided(found)[0]), rules, _entrants(), [word], revised_to=2)
    (told,) = _decided(found)
    assert (told.kind, told.round, told.model) == (DecisionKind.DIMENSION_REVISED, 0, "")
    assert told.content == {"version": 2, "first_round": state.last_closed_round + 1}
    assert why(told) == f"version 2 of the dimension is ranked from round {state.last_closed_round + 1} on, anew"
    assert not isinstance(between_rounds(state, rules, _entrants()), ReviewHeld)


def test_what_is_explained_is_the_way_in_the_version_that_is_ranked() -> None:
    whole = log()
    begun = revised(replay(whole))
    twice = [*whole, decisions.revised(begun.decisions, 2, begun.first_round)]
    twice += [shifted(one, begun) for one in whole]
    model = WORLD.models[-1]
    once, again = explain(model, whole), explain(model, twice)
    assert (again.rank, again.rounds, again.cells, again.decisions) == (
        once.rank,
        once.rounds,
        once.cells,
        once.decisions,
    )
    assert again.steps[0].decision == once.steps[0].decision + begun.decisions
    assert replay(twice[: len(whole)]) == replay(whole, EMPTY)


def _entrants() -> list[Entrant]:
    return Played(WORLD, Rules()).entrants


def _decided(found: object) -> tuple[Decision, ...]:
    assert isinstance(found, tuple)
    return found
