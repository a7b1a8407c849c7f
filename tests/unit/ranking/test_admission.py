"""Who comes next, what operators have ordered, and what is said while nothing can be done."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking import decisions
from dearena.ranking.admission import Admission, next_admissions, waiting
from dearena.ranking.agenda import OpenRound, Wait, between_rounds, room_beside
from dearena.ranking.decisions import NEWCOMER, SEED, Decision, DecisionKind
from dearena.ranking.entrants import Admitted, Change, Entrant, EntrantState, Provenance, changes
from dearena.ranking.orders import Order
from dearena.ranking.ranking import RankingState, Refinement, replay
from dearena.ranking.rules import Rules
from tests.unit.ranking.planted import entrant

COLLECTING, READY, FAILED, RETIRED = EntrantState
SUSPENDED, REINSTATED = DecisionKind.JUDGE_SUSPENDED, DecisionKind.JUDGE_REINSTATED


def entrants(*states: EntrantState, cohorts: str = "") -> list[Entrant]:
    """Models a, b, c ... in these states, in cohorts of one letter each."""
    cohorts = cohorts or "x" * len(states)
    return [
        entrant(f"{slug}@1", state, cohort=cohort)
        for slug, state, cohort in zip("abcdefgh", states, cohorts, strict=False)
    ]


def next_ones(found: list[Entrant], admitted: str = "", inserting: str = "", room: int = 9) -> tuple[str, str]:
    """Slugs of those who are ready and of those who are awaited, one letter each."""
    admission = next_admissions(found, {f"{slug}@1" for slug in admitted}, set(inserting), room)
    return "".join(one.model[0] for one in admission.ready), "".join(model[0] for model in admission.awaited)


def test_a_wave_of_a_cohort_is_admitted_in_its_order() -> None:
    assert next_ones(entrants(READY, READY, READY)) == ("abc", "")
    assert next_ones(entrants(READY, READY, READY), room=2) == ("ab", "")
    assert next_ones(entrants(READY, READY, READY), "ab", room=2) == ("c", "")
    assert next_ones(entrants(FAILED, RETIRED, READY)) == ("c", "")
    assert next_ones(entrants(READY, READY), room=0) == next_ones(entrants(READY, READY), room=-1) == ("", "")


def test_who_is_still_collecting_holds_its_own_wave_and_no_other() -> None:
    assert next_ones(entrants(COLLECTING, READY)) == ("", "a")
    assert next_ones(entrants(READY, COLLECTING, COLLECTING)) == ("", "b")
    # It would come in a later wave.
    assert next_ones(entrants(READY, READY, COLLECTING), room=2) == ("ab", "")
    assert next_ones(entrants(READY, READY, COLLECTING), "ab", room=2) == ("", "c")
    # Its place is not kept from other cohorts.
    assert next_ones(entrants(COLLECTING, READY, READY, READY, cohorts="xxyy"), room=2) == ("cd", "a")


def test_cohorts_do_not_wait_for_one_another_and_share_the_room() -> None:
    assert next_ones(entrants(READY, READY, READY, cohorts="xyx")) == ("acb", "")
    assert next_ones(entrants(READY, READY, READY, cohorts="xyx"), room=2) == ("ac", "")
    assert next_ones(entrants(COLLECTING, COLLECTING, COLLECTING, READY, cohorts="xxyy")) == ("", "ac")


def test_the_next_wave_of_a_cohort_waits_for_the_one_before_and_other_cohorts_do_not() -> None:
    found = entrants(READY, READY, READY, READY, cohorts="xxyy")
    assert next_ones(found, "a", inserting="x") == ("cd", "")
    assert next_ones(found, "ac", inserting="xy") == ("", "")
    assert next_ones(entrants(READY, COLLECTING), "a", inserting="x") == ("", "")


@given(st.lists(st.sampled_from(EntrantState), max_size=8), st.text("xyz", min_size=8, max_size=8), st.integers(1, 4))
def test_nobody_overtakes_an_earlier_member_of_its_cohort(states: list[EntrantState], cohorts: str, room: int) -> None:
    found = entrants(*states, cohorts=cohorts[: len(states)])
    admitted: list[Entrant] = []
    while ready := next_admissions(found, [one.model for one in admitted], (), room).ready:
        assert len(ready) <= room
        admitted += ready
    for cohort in set(cohorts):
        possible = [one for one in found if one.cohort == cohort and one.state in {COLLECTING, READY}]
        came = [one for one in admitted if one.cohort == cohort]
        assert came == possible[: len(came)]
        assert all(one.state is READY for one in came)
        # Whoever is left waits for somebody whose answers are being collected, in its own wave or before it.
        left = possible[len(came) :]
        assert not left or COLLECTING in {one.state for one in left[:room]}
    out = [one.model for one in found if one not in admitted and one.state in {COLLECTING, READY}]
    assert waiting(found, {one.model for one in admitted}) == tuple(out)


def test_with_nobody_there_is_nobody_to_admit_or_to_await() -> None:
    assert next_admissions([], (), (), 3) == Admission()


def told(found: list[Entrant], rules: Rules, admitted: int = 0) -> Any:
    """What is done next after so many admissions."""
    state = replay([])
    for _ in range(admitted):
        decided = between_rounds(state, rules, found)
        assert isinstance(decided, tuple)
        state = replay(decided, state)
    return between_rounds(state, rules, found)


@pytest.mark.parametrize(
    ("found", "admitted", "reason"),
    [
        (entrants(), 0, "fewer than 3 seed models ready: 0"),
        (entrants(READY, FAILED), 1, "fewer than 3 seed models ready: 1"),
        (
            entrants(READY, COLLECTING, COLLECTING, READY, cohorts="xxyy"),
            1,
            "fewer than 3 seed models ready: 1; answers of b@1 and 1 more are being collected",
        ),
    ],
)
def test_too_few_seeds_are_told_with_what_is_missing(found: list[Entrant], admitted: int, reason: str) -> None:
    assert told(found, Rules(seed_models=3), admitted) == Wait(reason)


def test_seeds_that_cannot_judge_one_another_wait_for_more() -> None:
    found = [entrant(f"{slug}@1", may_judge=slug in "cd") for slug in "abcd"]
    assert told(found, Rules(seed_models=3), admitted=4) == Wait("no eligible judge for c@1 against d@1")
    found.append(entrant("e@1"))
    assert told(found, Rules(seed_models=3), admitted=5) == OpenRound()


def test_no_more_seeds_than_give_a_lonely_pair_its_judge() -> None:
    """With whoever cannot judge it the round would only grow: it is asked of all pairs of seeds."""
    rules = Rules(seed_models=3, exclude_family=True)
    found = [entrant(f"{slug}@1", family="xy"[place % 2]) for place, slug in enumerate("abcdefgh")]
    lonely = "no eligible judge for a@1 against b@1: none judges its own family"
    assert told(found, rules, admitted=3) == Wait(lonely)
    found.append(entrant("z@1", family="z"))
    [decided] = told(found, rules, admitted=3)
    assert (decided.model, decided.content["role"]) == ("z@1", SEED)
    assert told(found, rules, admitted=4) == OpenRound()


def test_the_first_models_are_seeds_and_the_round_opens_when_they_are_enough() -> None:
    decided = told(entrants(READY, READY, READY, READY), Rules(seed_models=3), admitted=2)
    assert [(d.kind, d.model, d.content["role"]) for d in decided] == [(DecisionKind.ADMITTED, "c@1", SEED)]
    assert told(entrants(READY, READY, READY, READY), Rules(seed_models=3), admitted=3) == OpenRound()


# Four ranked models, a to d, and whoever comes after them.

RANKED = "abcd"
RULES = Rules(seed_models=4)


def ranked(*newcomers: Entrant) -> RankingState:
    """a to d are ranked; these have been admitted since."""
    models = [f"{slug}@1" for slug in RANKED]
    log = [decisions.admitted(n, entrant(model), SEED, 0) for n, model in enumerate(models, 1)]
    log.append(decisions.seeds_ordered(5, 1, models, []))
    log.append(decisions.settled(6, 1, models, models, "", sure={}))
    log += [decisions.admitted(n, one, NEWCOMER, 4) for n, one in enumerate(newcomers, 7)]
    return replay(log)


def here(*newcomers: Entrant) -> list[Entrant]:
    return [*(entrant(f"{slug}@1") for slug in RANKED), *newcomers]


@pytest.mark.parametrize(
    ("count", "inserting", "room"), [(0, 0, 1), (1, 0, 1), (3, 0, 1), (3, 1, 0), (5, 0, 2), (5, 1, 1), (9, 2, 2)]
)
def test_there_is_room_for_half_as_many_as_are_ranked_and_for_one_at_least(
    count: int, inserting: int, room: int
) -> None:
    newcomers = [decisions.admitted(n, entrant(f"n{n}@1"), NEWCOMER, count) for n in range(1, inserting + 1)]
    state = replay(newcomers, RankingState(ranking=tuple(f"m{n}@1" for n in range(count))))
    assert len(state.newcomers) == inserting
    assert room_beside(state) == room


def test_newcomers_are_admitted_together_and_the_round_serves_them_then() -> None:
    one, two, three = (entrant(f"{slug}@1", cohort="late") for slug in "efg")
    decided = between_rounds(ranked(), RULES, here(one, two, three))
    assert isinstance(decided, tuple)
    assert [(d.number, d.model, d.content["role"], d.content["ranked"]) for d in decided] == [
        (7, "e@1", NEWCOMER, 4),
        (8, "f@1", NEWCOMER, 4),
    ]
    # Two are half as many as are ranked; the third comes when both have their places.
    assert between_rounds(ranked(one, two), RULES, here(one, two, three)) == OpenRound()


def test_another_cohort_joins_while_one_is_under_way_and_its_own_next_wave_does_not() -> None:
    one, same, other = entrant("e@1", cohort="x"), entrant("f@1", cohort="x"), entrant("g@1", cohort="y")
    decided = between_rounds(ranked(one), RULES, here(one, same, other))
    assert isinstance(decided, tuple)
    assert [d.model for d in decided] == ["g@1"]
    assert between_rounds(ranked(one), RULES, here(one, same)) == OpenRound()


def test_who_is_collecting_keeps_no_round_from_those_who_are_being_inserted() -> None:
    one, slow = entrant("e@1", cohort="x"), entrant("f@1", COLLECTING, cohort="y")
    assert between_rounds(ranked(one), RULES, here(one, slow)) == OpenRound()
    assert between_rounds(ranked(), RULES, here(slow)) == Wait("answers of f@1 are being collected")
    assert between_rounds(ranked(), RULES, here()) == Wait("no newcomer")


def test_what_has_changed_is_noted_before_orders_are_taken_and_both_before_anybody_is_admitted() -> None:
    state, newcomer = ranked(), entrant("e@1")
    retired = [entrant("a@1", RETIRED, reason="old"), *here(newcomer)[1:]]
    orders = [Order(1, SUSPENDED, "b@1", "odd"), Order(2, DecisionKind.REFINEMENT_ORDERED, calls=100)]
    taken: list[Decision] = []
    for _ in range(4):
        decided = between_rounds(state, RULES, retired, orders)
        assert isinstance(decided, tuple)
        taken += decided
        state = replay(decided, state)
    assert [(d.kind, d.model) for d in taken] == [
        (DecisionKind.MODEL_RETIRED, "a@1"),
        (SUSPENDED, "b@1"),
        (DecisionKind.REFINEMENT_ORDERED, ""),
        (DecisionKind.ADMITTED, "e@1"),
    ]
    assert state.refinement == Refinement(100, 100)
    assert between_rounds(state, RULES, retired, orders) == OpenRound()


@given(st.lists(st.sampled_from([SUSPENDED, REINSTATED]), max_size=5), st.data())
def test_orders_are_taken_once_and_in_order_whoever_they_name(kinds: list[DecisionKind], data: st.DataObject) -> None:
    """An order about nobody does no harm, nor one that changes nothing."""
    names = st.sampled_from(["a@1", "b@1", "nobody@1"])
    orders = [Order(n, kind, data.draw(names), f"reason {n}") for n, kind in enumerate(kinds, 1)]
    state, taken = ranked(), []
    while isinstance(decided := between_rounds(state, RULES, here(), orders), tuple):
        (one,) = decided
        taken.append(Order(one.content["order"], one.kind, one.model, one.content["reason"]))
        state = replay(decided, state)
        assert len(taken) <= len(orders)
    assert taken == orders
    assert set(state.admitted) == {f"{slug}@1" for slug in RANKED}
    last = {order.judge: order.kind for order in orders}
    assert state.suspended == {judge for judge, kind in last.items() if kind is SUSPENDED and judge != "nobody@1"}
    assert isinstance(decided, Wait)


def test_a_refinement_or_an_outdated_board_opens_a_round_though_nobody_comes() -> None:
    order = Order(1, DecisionKind.REFINEMENT_ORDERED, calls=8)
    refined = replay([decisions.ordered(7, order)], ranked())
    assert between_rounds(refined, RULES, here()) == OpenRound()
    assert between_rounds(refined, RULES, here(entrant("e@1", COLLECTING))) == OpenRound()
    assert between_rounds(RankingState(ranking=("a@1", "b@1"), outdated=True), RULES, []) == OpenRound()


def test_what_has_changed_about_admitted_models_is_noted_once() -> None:
    known = {
        f"{slug}@1": Admitted(f"{slug}@1", "in-house", "", "", may_judge=True, retired=slug == "e") for slug in "abcde"
    }
    now = [
        entrant("a@1", RETIRED, reason="superseded by a@2"),
        entrant("b@1", may_judge=False),
        entrant("c@1", provider="elsewhere"),
        entrant("e@1", RETIRED),
        entrant("f@1", RETIRED),
    ]
    found = changes(known, now, frozenset({"in-house"}))
    assert found == (
        Change("a@1", retired=True, may_judge=False, reason="superseded by a@2"),
        Change("b@1", retired=False, may_judge=False, reason="it may not judge"),
        Provenance("c@1", "elsewhere", ""),
        Change("c@1", retired=False, may_judge=False, reason="its provider may not see the dimension"),
        Change("d@1", retired=False, may_judge=False, reason="its provider may not see the dimension"),
    )
    renamed = [entrant("b@1", family="greek")]
    assert changes({"b@1": known["b@1"]}, renamed, frozenset()) == (Provenance("b@1", "in-house", "greek"),)
    silent = {"b@1": Admitted("b@1", "in-house", "", "", may_judge=False)}
    assert changes(silent, [entrant("b@1", may_judge=False)], frozenset()) == ()
    assert changes(silent, [entrant("b@1")], frozenset()) == (Change("b@1", retired=False, may_judge=True, reason=""),)
