"""A newcomer finds its place by binary search, then by a window that slides until it rests."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking.insertion import Coarse, Fine, Limits, Phase, Search, Settled, Step, advance, moved, without
from dearena.ranking.jury import Ruling
from dearena.ranking.pairs import Pair
from dearena.ranking.standing import Standing
from dearena.ranking.verdict import PairVerdict

NEWCOMER = "newcomer@1"
NARROW = Limits(window=1, max_slides=8, widest=4)
LIMITS = st.integers(1, 3).flatmap(
    lambda window: st.builds(
        Limits, window=st.just(window), max_slides=st.integers(0, 8), widest=st.integers(window, 4 * window)
    )
)
ENDS = st.sampled_from([{}, {"unmet": True}])
Hear = Callable[[Pair, Phase], Ruling | None]


def ranked(count: int) -> tuple[str, ...]:
    return tuple(f"ranked-{place:02}@1" for place in range(count))


def stands(place: int, near: int = 0) -> Standing:
    """At this place, and within one error so many places either way."""
    return Standing(0.0, 0.5, place, place - 2 * near, place + 2 * near, place - near, place + near)


def says(pair: Pair, winner: str | None, *, waits: bool = False) -> Ruling:
    a, b = (int(winner == model) for model in pair)
    return Ruling(PairVerdict(pair, a, b, a, b, 0), waits=waits)


def beating(beaten: set[int], ranking: tuple[str, ...]) -> Hear:
    """The newcomer beats the models at these places and loses to all others."""
    losers = {ranking[place] for place in beaten}

    def hear(pair: Pair, _phase: Phase) -> Ruling:
        opponent = pair.opponent_of(NEWCOMER)
        return says(pair, NEWCOMER if opponent in losers else opponent)

    return hear


def nobody(_pair: Pair, _phase: Phase) -> None:
    return None


def search(ranking: tuple[str, ...], hear: Hear, standing: Standing, limits: Limits = NARROW, **ends: bool) -> Search:
    return Search(NEWCOMER, ranking, limits, hear, standing, **ends)


def walk(
    ranking: tuple[str, ...],
    hear: Hear,
    standing: Callable[[], Standing],
    limits: Limits = NARROW,
    **ends: bool,
) -> list[Phase]:
    """All phases from admission to the settle; where it stands is asked at every step, as every vote may tell."""
    phases: list[Phase] = [Coarse(0, len(ranking))]
    while not isinstance(phase := phases[-1], Settled):
        after = advance(phase, search(ranking, hear, standing(), limits, **ends)).after
        assert after is not None
        phases.append(after)
        assert len(phases) < 200
    return phases


@given(st.integers(0, 40), st.data(), LIMITS, st.integers(0, 6), ENDS)
def test_where_verdicts_and_votes_agree_the_place_is_exact(
    count: int, data: st.DataObject, limits: Limits, near: int, ends: dict[str, bool]
) -> None:
    place = data.draw(st.integers(0, count))
    ranking = ranked(count)
    phases = walk(ranking, beating(set(range(place, count)), ranking), lambda: stands(place, near), limits, **ends)
    assert phases[-1] == Settled(place, slides=0)
    # Binary search: each comparison is with the middle, and halves what is left.
    coarse = [phase for phase in phases if isinstance(phase, Coarse)]
    assert len(coarse) - 1 <= math.ceil(math.log2(count + 1))
    for before, after in pairwise(coarse):
        middle = (before.low + before.high) // 2
        assert after == (Coarse(before.low, middle) if place <= middle else Coarse(middle + 1, before.high))


@given(st.integers(0, 30), st.data(), LIMITS, ENDS)
def test_whatever_is_said_the_search_is_short_and_ends(
    count: int, data: st.DataObject, limits: Limits, ends: dict[str, bool]
) -> None:
    """Verdicts may contradict each other, and the newcomer stand elsewhere at every look."""
    ranking = ranked(count)
    beaten = data.draw(st.sets(st.integers(0, count - 1))) if count else set()
    places = cycle(data.draw(st.lists(st.tuples(st.integers(0, count), st.integers(0, count)), min_size=1)))
    phases = walk(ranking, beating(beaten, ranking), lambda: stands(*next(places)), limits, **ends)
    assert sum(isinstance(phase, Coarse) for phase in phases) - 1 <= math.ceil(math.log2(count + 1))
    fine = [phase for phase in phases if isinstance(phase, Fine)]
    assert sum(phase.survey for phase in fine) <= 1
    assert len(fine) <= 1 + 1 + limits.max_slides + count
    slides = [phase.slides for phase in fine]
    assert slides == sorted(slides)
    last = phases[-1]
    assert isinstance(last, Settled)
    assert 0 <= last.place <= count
    assert last.slides == slides[-1] <= limits.max_slides


def test_the_window_holds_the_neighbours_on_either_side() -> None:
    ranking = ranked(5)
    assert list(Fine(2, 1, 0).window(ranking)) == [1, 2]
    assert list(Fine(0, 1, 0).window(ranking)) == [0]
    assert list(Fine(5, 2, 0).window(ranking)) == [3, 4]
    assert list(Fine(0, 1, 0).window(())) == []


def test_a_step_waits_for_what_is_undecided_and_tells_what_is_not() -> None:
    ranking = ranked(4)
    below = Pair.of(NEWCOMER, ranking[2])

    def half(pair: Pair, _phase: Phase) -> Ruling:
        return says(pair, ranking[1], waits=pair == below)

    for phase in (Coarse(1, 4), Fine(2, 1, 0), Fine(2, 1, 0, survey=True)):
        step = advance(phase, search(ranking, half, stands(2)))
        assert step.after is None
        assert step.waits_for == (below,)
    assert len(advance(Fine(2, 1, 0), search(ranking, half, stands(2))).rulings) == 2


def test_a_step_waits_for_a_pair_that_nobody_may_judge() -> None:
    ranking = ranked(3)
    assert advance(Coarse(0, 3), search(ranking, nobody, stands(2))) == Step(
        None, {Pair.of(NEWCOMER, ranking[1]): None}
    )
    assert advance(Fine(0, 1, 0), search(ranking, nobody, stands(0))).waits_for == (Pair.of(NEWCOMER, ranking[0]),)


def test_whoever_cannot_be_told_from_the_newcomer_stays_above_it() -> None:
    ranking = ranked(3)
    undecided = search(ranking, lambda pair, _phase: says(pair, None), stands(0))
    assert advance(Coarse(0, 3), undecided).after == Coarse(2, 3)


def test_a_window_slides_to_where_the_newcomer_stands_without_waiting_for_the_votes_it_leaves() -> None:
    ranking = ranked(9)
    out = lambda pair, _phase: says(pair, None, waits=True)  # noqa: E731 - a jury
    assert advance(Fine(2, 2, 3), search(ranking, out, stands(6))).after == Fine(6, 2, 4)
    assert advance(Fine(2, 2, 3), search(ranking, out, stands(4))).after == Fine(4, 2, 4)
    # One place off is within the window: strengths move a little with every vote.
    assert advance(Fine(2, 2, 3), search(ranking, out, stands(3))).after is None


def test_when_all_slides_are_used_up_it_rests_where_it_stands() -> None:
    ranking = ranked(9)
    told = beating({6, 7, 8}, ranking)
    assert advance(Fine(2, 1, 8), search(ranking, told, stands(6))).after == Settled(6, 8)
    assert advance(Fine(2, 1, 7), search(ranking, told, stands(6))).after == Fine(6, 1, 8)


def test_a_window_that_is_decided_and_holds_rests() -> None:
    ranking = ranked(4)
    assert advance(Fine(2, 1, 3), search(ranking, beating({2, 3}, ranking), stands(2))).after == Settled(2, 3)


@pytest.mark.parametrize(
    ("near", "first"),
    [
        (0, Fine(4, 1, 0)),
        (1, Fine(4, 1, 0)),
        (2, Fine(6, 2, 0, survey=True)),
        (3, Fine(6, 3, 0, survey=True)),
        (9, Fine(6, 4, 0, survey=True)),
    ],
)
def test_a_place_that_is_not_known_well_is_surveyed_as_wide_as_it_is_unsure(near: int, first: Fine) -> None:
    ranking = ranked(12)
    assert advance(Coarse(4, 4), search(ranking, nobody, stands(6, near))).after == first


def test_a_survey_leads_to_the_narrow_window_where_the_newcomer_stands_and_is_no_slide() -> None:
    ranking = ranked(12)
    told = search(ranking, beating(set(), ranking), stands(9))
    assert advance(Fine(4, 4, 0, survey=True), told).after == Fine(9, 1, 0)


@pytest.mark.parametrize("phase", [Coarse(0, 5), Coarse(2, 2), Fine(1, 1, 2), Fine(1, 3, 2, survey=True)])
def test_whoever_has_used_up_what_it_may_settles_with_what_there_is(phase: Coarse | Fine) -> None:
    ranking = ranked(5)
    out = search(ranking, lambda pair, _phase: says(pair, None, waits=True), stands(3), over=True)
    slides = phase.slides if isinstance(phase, Fine) else 0
    assert advance(phase, out).after == Settled(3, slides)


def test_whoever_has_a_target_looks_further_out_until_it_has_met_everybody() -> None:
    ranking = ranked(5)
    unmet = search(ranking, beating({2, 3, 4}, ranking), stands(2), unmet=True)
    phase: Phase = Fine(2, 1, 4)
    widths = []
    while isinstance(phase, Coarse | Fine):
        assert isinstance(phase, Fine)
        widths.append(phase.width)
        after = advance(phase, unmet).after
        assert after is not None
        phase = after
    assert phase == Settled(2, 4)
    assert widths == sorted(set(widths))
    assert len(Fine(2, widths[-1], 4).window(ranking)) == len(ranking)
    assert len(Fine(2, widths[-2], 4).window(ranking)) < len(ranking)


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
        (Fine(3, 4, 2, survey=True), 0, Fine(2, 4, 2, survey=True)),
    ],
)
def test_a_position_keeps_its_neighbours_when_somebody_leaves(
    phase: Coarse | Fine, gone: int, then: Coarse | Fine
) -> None:
    assert without(phase, gone) == then


def between(phase: Coarse | Fine) -> tuple[int, int]:
    """The gaps in which a newcomer may go, the first and the last."""
    return (phase.low, phase.high) if isinstance(phase, Coarse) else (phase.place, phase.place)


@st.composite
def positions(draw: st.DrawFn) -> tuple[tuple[str, ...], Coarse | Fine]:
    """A ranking, and how far a search in it has come."""
    ranking = ranked(draw(st.integers(0, 10)))
    low, high = sorted(draw(st.tuples(st.integers(0, len(ranking)), st.integers(0, len(ranking)))))
    return ranking, Fine(low, 2, 3, survey=True) if draw(st.booleans()) else Coarse(low, high)


@given(positions(), st.data())
def test_a_position_in_a_ranking_that_somebody_leaves(
    position: tuple[tuple[str, ...], Coarse | Fine], data: st.DataObject
) -> None:
    before, phase = position
    if not before:
        return
    place = data.draw(st.integers(0, len(before) - 1))
    after = before[:place] + before[place + 1 :]
    (low, high), (first, last) = between(phase), between(without(phase, place))
    assert 0 <= first <= last <= len(after)
    gone = before[place]
    assert [model for model in before[:low] if model != gone] == list(after[:first])
    assert [model for model in before[high:] if model != gone] == list(after[last:])


@given(positions(), st.data())
def test_a_position_lies_between_the_same_models_when_others_are_put_in(
    position: tuple[tuple[str, ...], Coarse | Fine], data: st.DataObject
) -> None:
    before, phase = position
    after = list(before)
    for number in range(data.draw(st.integers(0, 4))):
        after.insert(data.draw(st.integers(0, len(after))), f"new-{number}@1")
    (low, high), (first, last) = between(phase), between(moved(phase, before, after))
    assert 0 <= first <= last <= len(after)
    assert set(before[:low]) == set(after[:first]) & set(before)
    assert set(before[high:]) == set(after[last:]) & set(before)
    if isinstance(phase, Coarse):
        # Nothing is known of whoever was put in at either end: the search takes it in.
        assert first == (after.index(before[low - 1]) + 1 if low else 0)
        assert last == (after.index(before[high]) if high < len(before) else len(after))


@given(positions(), st.data())
def test_in_a_ranking_that_is_sorted_anew_it_lies_between_its_neighbours_still(
    position: tuple[tuple[str, ...], Coarse | Fine], data: st.DataObject
) -> None:
    before, phase = position
    after = data.draw(st.permutations([*before, "new-0@1", "new-1@1"]))
    then = moved(phase, before, after)
    first, last = between(then)
    assert 0 <= first <= last <= len(after)
    if isinstance(phase, Fine):
        assert then == replace(phase, place=first)
        if 0 < phase.place < len(before):
            above, below = after.index(before[phase.place - 1]), after.index(before[phase.place])
            assert min(above, below) < first <= max(above, below)


def test_a_search_whose_ends_have_changed_sides_lies_between_them() -> None:
    assert moved(Coarse(1, 3), ["a@1", "b@1", "c@1", "d@1"], ["c@1", "d@1", "a@1", "b@1"]) == Coarse(1, 3)
    assert moved(Coarse(2, 4), list("abcdef"), list("efcdab")) == Coarse(2, 4)


@given(positions())
def test_a_position_in_the_same_ranking_is_the_same(position: tuple[tuple[str, ...], Coarse | Fine]) -> None:
    before, phase = position
    assert moved(phase, before, before) == phase
