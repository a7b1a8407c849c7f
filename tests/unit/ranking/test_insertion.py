"""A newcomer finds its place by binary search, then by a window that rests."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking.insertion import Coarse, Fine, Limits, Phase, Settled, Wanted, advance, without
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import PairVerdict

NEWCOMER = "newcomer@1"
MAKERS = Limits(window=1, max_slides=8)


def ranked(count: int) -> tuple[str, ...]:
    return tuple(f"ranked-{place:02}@1" for place in range(count))


def said(pair: Pair, winner: str | None) -> PairVerdict:
    a, b = (int(winner == model) for model in pair)
    return PairVerdict(pair, a, b, a, b, 0)


def beating(places: set[int], ranking: tuple[str, ...]) -> Callable[[Pair], PairVerdict]:
    """The newcomer beats the models at these places and loses to all others."""
    beaten = {ranking[place] for place in places}
    return lambda pair: said(pair, NEWCOMER if pair.opponent_of(NEWCOMER) in beaten else pair.opponent_of(NEWCOMER))


def walk(
    ranking: tuple[str, ...], verdict: Callable[[Pair], PairVerdict | None], limits: Limits = MAKERS
) -> list[Phase]:
    """All phases from admission to the settle."""
    phases: list[Phase] = [Coarse(0, len(ranking))]
    while not isinstance(phases[-1], Settled):
        following = advance(phases[-1], ranking, NEWCOMER, verdict, limits)
        assert not isinstance(following, Wanted)
        phases.append(following)
        assert len(phases) < 100
    return phases


LIMITS = st.builds(Limits, window=st.integers(1, 4), max_slides=st.integers(1, 8))


@given(st.integers(0, 40), st.data(), LIMITS)
def test_where_verdicts_are_consistent_the_place_is_exact(count: int, data: st.DataObject, limits: Limits) -> None:
    place = data.draw(st.integers(0, count))
    ranking = ranked(count)
    phases = walk(ranking, beating(set(range(place, count)), ranking), limits)
    assert phases[-1] == Settled(place, slides=0)


@given(st.integers(0, 40), st.data(), LIMITS)
def test_whatever_the_verdicts_the_search_is_short_and_ends(count: int, data: st.DataObject, limits: Limits) -> None:
    ranking = ranked(count)
    beaten = data.draw(st.sets(st.integers(0, max(0, count - 1)))) if count else set()
    phases = walk(ranking, beating(beaten, ranking), limits)
    comparisons = sum(isinstance(phase, Coarse) and phase.low < phase.high for phase in phases)
    assert comparisons <= math.ceil(math.log2(count + 1))
    last = phases[-1]
    assert isinstance(last, Settled)
    assert 0 <= last.place <= count
    assert last.slides == sum(isinstance(phase, Fine) for phase in phases) - 1 <= limits.max_slides
    before = phases[-2]
    assert isinstance(before, Fine)
    # It rests where its window puts it: the same place twice, or all slides are used up.
    window = before.window(ranking)
    assert last.place == window.start + sum(place not in beaten for place in window)
    assert last.place == before.place or before.slides == limits.max_slides


def test_the_window_holds_the_neighbours_on_either_side() -> None:
    ranking = ranked(5)
    assert list(Fine(2, 1, 0).window(ranking)) == [1, 2]
    assert list(Fine(0, 1, 0).window(ranking)) == [0]
    assert list(Fine(5, 2, 0).window(ranking)) == [3, 4]
    assert list(Fine(0, 1, 0).window(())) == []


def test_a_step_waits_for_what_is_undecided_and_for_nothing_else() -> None:
    ranking = ranked(4)
    below = Pair.of(NEWCOMER, ranking[2])

    def half(pair: Pair) -> PairVerdict | None:
        return None if pair == below else said(pair, ranking[1])

    assert advance(Coarse(1, 4), ranking, NEWCOMER, half, MAKERS) == Wanted((below,))
    assert advance(Fine(2, 1, 0), ranking, NEWCOMER, half, MAKERS) == Wanted((below,))


def test_whoever_cannot_be_told_from_the_newcomer_stays_above_it() -> None:
    ranking = ranked(3)
    assert advance(Coarse(0, 3), ranking, NEWCOMER, lambda pair: said(pair, None), MAKERS) == Coarse(2, 3)
    assert advance(Fine(1, 1, 0), ranking, NEWCOMER, lambda pair: said(pair, None), MAKERS) == Fine(2, 1, 1)


def test_a_newcomer_that_beats_the_one_above_and_loses_to_the_one_below_stays() -> None:
    ranking = ranked(4)
    assert advance(Fine(2, 1, 3), ranking, NEWCOMER, beating({1}, ranking), MAKERS) == Settled(2, 3)


@pytest.mark.parametrize(
    ("phase", "gone", "then"),
    [
        (Coarse(2, 5), 0, Coarse(1, 4)),
        (Coarse(2, 5), 2, Coarse(2, 4)),
        (Coarse(2, 5), 4, Coarse(2, 4)),
        (Coarse(2, 5), 5, Coarse(2, 5)),
        (Coarse(3, 3), 2, Coarse(2, 2)),
        (Fine(3, 1, 2), 2, Fine(2, 1, 2)),
        (Fine(3, 1, 2), 3, Fine(3, 1, 2)),
    ],
)
def test_a_position_keeps_its_neighbours_when_somebody_leaves(
    phase: Coarse | Fine, gone: int, then: Coarse | Fine
) -> None:
    assert without(phase, gone) == then
