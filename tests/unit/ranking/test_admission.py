"""Who comes next, and what is said while nobody does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking.admission import awaited, next_admission, waiting
from dearena.ranking.agenda import OpenRound, Wait, between_rounds
from dearena.ranking.decisions import DecisionKind
from dearena.ranking.entrants import Admitted, Change, Entrant, EntrantState, changes
from dearena.ranking.ranking import replay
from dearena.ranking.rules import Rules
from tests.unit.ranking.planted import entrant

COLLECTING, READY, FAILED, RETIRED = EntrantState


def entrants(*states: EntrantState, cohorts: str = "") -> list[Entrant]:
    """Models a, b, c ... in these states, in cohorts of one letter each."""
    cohorts = cohorts or "x" * len(states)
    return [
        entrant(f"{slug}@1", state, cohort=cohort)
        for slug, state, cohort in zip("abcdefgh", states, cohorts, strict=False)
    ]


def next_model(found: list[Entrant], *admitted: str) -> str:
    following = next_admission(found, {f"{slug}@1" for slug in admitted})
    return following.model if following else ""


def test_a_cohort_is_admitted_in_its_order_each_awaited() -> None:
    assert next_model(entrants(READY, READY)) == "a@1"
    assert next_model(entrants(COLLECTING, READY)) == ""
    assert next_model(entrants(READY, COLLECTING, READY), "a") == ""
    assert next_model(entrants(FAILED, RETIRED, READY)) == "c@1"


def test_cohorts_do_not_wait_for_one_another() -> None:
    assert next_model(entrants(COLLECTING, READY, READY, cohorts="xxy")) == "c@1"
    assert next_model(entrants(COLLECTING, READY, READY, cohorts="xyx")) == "b@1"


@given(st.lists(st.sampled_from(EntrantState), max_size=8), st.text("xyz", min_size=8, max_size=8))
def test_nobody_overtakes_an_earlier_member_of_its_cohort(states: list[EntrantState], cohorts: str) -> None:
    found = entrants(*states, cohorts=cohorts[: len(states)])
    admitted: set[str] = set()
    while following := next_admission(found, admitted):
        assert following.state is READY
        earlier = found[: found.index(following)]
        assert not any(one.state is COLLECTING and one.cohort == following.cohort for one in earlier)
        assert all(one.model in admitted or one.cohort != following.cohort or one.state is not READY for one in earlier)
        admitted.add(following.model)
    left = {one.model for one in found if one.state is READY} - admitted
    behind = {one.cohort for one in found if one.state is COLLECTING}
    assert all(one.cohort in behind for one in found if one.model in left)
    assert set(waiting(found, admitted)) == left | {one.model for one in found if one.state is COLLECTING}


def test_those_are_awaited_who_hold_up_their_cohort() -> None:
    found = entrants(COLLECTING, COLLECTING, COLLECTING, READY, cohorts="xxyy")
    assert awaited(found, set()) == ("a@1", "c@1")


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


def test_the_first_models_are_seeds_and_the_round_opens_when_they_are_enough() -> None:
    decided = told(entrants(READY, READY, READY, READY), Rules(seed_models=3), admitted=2)
    assert [(d.kind, d.model, d.content["role"]) for d in decided] == [(DecisionKind.ADMITTED, "c@1", "seed")]
    assert told(entrants(READY, READY, READY, READY), Rules(seed_models=3), admitted=3) == OpenRound()


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
        Change("c@1", retired=False, may_judge=False, reason="its provider may not see the dimension"),
        Change("d@1", retired=False, may_judge=False, reason="its provider may not see the dimension"),
    )
    suspended = {"b@1": Admitted("b@1", "in-house", "", "", may_judge=False)}
    assert changes(suspended, [entrant("b@1", may_judge=False)], frozenset()) == ()
    assert changes(suspended, [entrant("b@1")], frozenset()) == (
        Change("b@1", retired=False, may_judge=True, reason=""),
    )
