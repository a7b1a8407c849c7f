"""A newcomer whom nobody may judge waits alone, and goes on when somebody may."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import Decision, DecisionKind, concerned
from dearena.ranking.eligibility import eligible
from dearena.ranking.explain import explain, readable
from dearena.ranking.holds import Cause, hold_in
from dearena.ranking.insertion import Coarse
from dearena.ranking.ranking import Withdrawn, replay
from dearena.ranking.rules import Rules
from dearena.ranking.why import why
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played
from tests.unit.ranking.test_judge_policy import audited

SEEDS = 6
RULES = Rules(seed_models=SEEDS, jury="exhaustive", judge_providers=frozenset({"in-house"}), exclude_family=True)
WORLD = Planted.economy(5, 14, 4)
FREE = WORLD.models[SEEDS - 1]
"""Of no family: without it nobody judges one of acme against one of beta."""
LONELY, *OTHERS = WORLD.models[SEEDS:]
SUSPENDED, REINSTATED = DecisionKind.JUDGE_SUSPENDED, DecisionKind.JUDGE_REINSTATED
HELD, RESUMED = DecisionKind.INSERTION_HELD, DecisionKind.INSERTION_RESUMED


@lru_cache
def seeded() -> Played:
    """One of acme, four of beta, and one of no family are ranked; the last is then asked no more."""
    played = Played(WORLD, RULES, cohorts=[WORLD.models[:SEEDS]])
    for place, model in enumerate(WORLD.models[:SEEDS]):
        played.change(model, provider="in-house", family=("acme", "beta", "beta", "beta", "beta", "")[place])
    played.rest()
    played.order(SUSPENDED, FREE)
    played.rest()
    assert len(played.state.ranking) == SEEDS
    return played


def with_newcomers(count: int, *, alone: bool = True) -> Played:
    """The first of them is of acme, and none may judge. Each is a cohort of its own, or all are one."""
    played = seeded().restarted()
    came = WORLD.models[SEEDS : SEEDS + count]
    for cohort in [[model] for model in came] if alone else [came]:
        played.enter(cohort)
    for model in came:
        played.change(model, provider="abroad", family="acme" if model == LONELY else "")
    return played


def held(played: Played) -> Played:
    played.until(lambda state: state.held)
    return played


def test_one_newcomer_without_a_judge_keeps_nobody_and_goes_on_when_one_is_there() -> None:
    played = with_newcomers(7)
    said = played.rest()
    assert played.state.held == (LONELY,)
    assert set(played.state.ranking) == {*WORLD.models[:SEEDS], *OTHERS[:6]}
    hold = played.state.insertions[LONELY].hold
    assert hold is not None
    assert hold.cause is Cause.NO_ELIGIBLE_JUDGE
    assert LONELY in hold.about
    told = " only models of in-house judge, and none judges its own family"
    assert hold.reason == f"no eligible judge for {hold.about[0]} against {hold.about[1]}:{told}"
    assert said == Wait(hold.reason)

    played.order(REINSTATED, FREE)
    assert played.rest() == Wait("no newcomer")
    assert LONELY in played.state.ranking
    assert not played.state.searching
    resumed = played.of_kind(RESUMED)[-1]
    assert resumed.number > played.of_kind(REINSTATED)[-1].number
    assert (resumed.model, resumed.content) == (LONELY, {"cause": "NO_ELIGIBLE_JUDGE"})
    assert audited(played).proven
    # A lonely pair may be met more than once on a way, but never one that has a judge.
    assert all(one.model == LONELY for one in played.of_kind(HELD))


def test_its_place_in_the_wave_is_given_to_another_at_once() -> None:
    played = held(with_newcomers(7))
    assert played.state.newcomers == tuple(OTHERS[:2])
    played.step()
    assert played.state.newcomers == tuple(OTHERS[:3])


def test_the_next_wave_of_its_own_cohort_does_not_wait_for_it() -> None:
    played = with_newcomers(7, alone=False)
    played.rest()
    assert played.state.held == (LONELY,)
    assert set(OTHERS[:6]) <= set(played.state.ranking)


def test_a_newcomer_that_may_judge_is_the_judge_another_waits_for() -> None:
    played = with_newcomers(3)
    played.change(OTHERS[1], provider="in-house", family="gamma")
    assert played.rest() == Wait("no newcomer")
    assert LONELY in played.state.ranking
    places = {one.model: one.number for one in played.log if one.kind is DecisionKind.SETTLED}
    resumed = played.of_kind(RESUMED)[-1]
    assert places[OTHERS[1]] < resumed.number if OTHERS[1] in places else played.state.insertions[OTHERS[1]].rank
    judges = {vote.judge for vote in played.asked() if LONELY in vote.pair}
    assert OTHERS[1] in judges


def test_refinements_and_outdated_boards_go_on_beside_it() -> None:
    played = with_newcomers(2)
    played.rest()
    # It lies between the same models as before, whoever has come in between them.
    assert played.state.insertions[LONELY].phase == Coarse(0, 7)
    before = played.state.last_closed_round
    played.order(DecisionKind.REFINEMENT_ORDERED, calls=40)
    played.rest()
    assert played.state.refinement is None
    assert any(one.content["refines"] and one.round > before for one in played.of_kind(DecisionKind.ROUND_OPENED))
    played.retire(next(model for model in played.state.ranking if model != FREE and model in WORLD.models[:SEEDS]))
    played.until(lambda state: state.outdated)
    assert played.state.insertions[LONELY].phase == Coarse(0, 6)
    played.rest()
    assert not played.state.outdated
    assert played.state.held == (LONELY,)


def test_whoever_is_held_may_leave_and_then_nothing_is_waited_for() -> None:
    played = with_newcomers(2)
    played.rest()
    played.retire(LONELY)
    assert played.rest() == Wait("no newcomer")
    assert isinstance(played.state.insertions[LONELY].phase, Withdrawn)
    assert played.state.held == ()


def test_several_that_were_held_go_on_as_far_as_there_is_room() -> None:
    played = with_newcomers(8)
    for model in OTHERS[:5]:
        played.change(model, family="acme")
    said = played.rest()
    assert len(played.state.held) == 6
    assert isinstance(said, Wait)
    assert said.reason.endswith(", and 5 more newcomers wait alone")
    played.order(REINSTATED, FREE)
    most = 0
    while played.step() is None:
        state = played.state
        most = max(most, len(state.newcomers))
        assert len(state.newcomers) <= max(1, len(state.ranking) // 2)
    assert most > 1
    assert played.state.searching == ()


def test_a_restart_in_its_midst_goes_on_by_the_same_log() -> None:
    one = held(with_newcomers(6))
    again = one.restarted()
    for played in (one, again):
        played.rest()
        played.order(REINSTATED, FREE)
        played.rest()
    assert again.stored() == one.stored()
    assert replay(one.log) == one.state


def test_its_decisions_are_told_in_words() -> None:
    played = held(with_newcomers(2))
    told = explain(LONELY, played.log)
    reason = hold_in(played.log[-1].content).reason
    assert readable(told).endswith(f"It waits: {reason}.")
    assert why(played.log[-1]) == f"waits, while others go on: {reason}"
    played.rest()
    played.order(REINSTATED, FREE)
    played.until(lambda state: not state.held)
    assert why(played.log[-1]) == "goes on: it needs no judge now that is not there"
    assert "waits:" not in readable(explain(LONELY, played.log)).splitlines()[-1]
    assert concerned(played.log[-1]) == (LONELY,)


def test_an_earlier_log_that_left_it_out_of_a_round_without_a_word_is_taken_up() -> None:
    """As versions before this one wrote it: the round serves the others, and there is no entry for the lonely one."""
    played = held(with_newcomers(3))
    played.until(lambda state: state.open_round)
    early = [one for one in played.stored() if one.kind is not HELD]
    early = [replace(one, number=number) for number, one in enumerate(early, 1)]
    again = Played(WORLD, RULES)
    again.entrants, again.orders = list(played.entrants), list(played.orders)
    again.take_up(early, played.votes)
    assert again.state.newcomers == (LONELY, *OTHERS[:2])
    assert again.asks == played.asks
    played.rest()
    again.rest()
    assert again.made.board.digest == played.made.board.digest
    assert again.state.held == (LONELY,)


FAMILIES = st.sampled_from(["acme", "beta", ""])


@settings(max_examples=10, deadline=None)
@given(
    families=st.lists(FAMILIES, min_size=8, max_size=8),
    housed=st.lists(st.booleans(), min_size=8, max_size=8),
    suspended=st.sets(st.sampled_from(WORLD.models[:SEEDS]), max_size=5),
)
def test_whoever_could_be_judged_is_ranked_and_only_who_could_not_waits(
    families: Sequence[str], housed: Sequence[bool], suspended: set[str]
) -> None:
    played = seeded().restarted()
    played.order(REINSTATED, FREE)
    came = WORLD.models[SEEDS:]
    for start in range(0, len(came), 2):
        played.enter(came[start : start + 2])
    for model, family, house in zip(came, families, housed, strict=True):
        played.change(model, provider="in-house" if house else "abroad", family=family)
    for model in sorted(suspended):
        played.order(SUSPENDED, model)
    said = played.rest()
    state = played.state
    assert state.newcomers == ()
    assert set(state.ranking) | set(state.held) == set(WORLD.models)
    assert said == Wait("no newcomer") if not state.held else "no eligible judge for" in said.reason
    for model in state.held:
        hold = state.insertions[model].hold
        assert hold is not None
        assert set(hold.about) <= {*state.ranking, model}
        assert not eligible(state.ranking, hold.about, state.admitted, RULES.judge_policy)
    assert audited(played).proven
    assert replay(played.stored()) == state
    # Once everybody may judge, and nobody is another's kin, all of them have their places.
    for model in sorted(suspended):
        played.order(REINSTATED, model)
    for model in WORLD.models:
        played.change(model, family="", provider="in-house")
    assert played.rest() == Wait("no newcomer")
    assert set(played.state.ranking) == set(WORLD.models)
    assert _alternate(played.log)


def _alternate(log: Sequence[Decision]) -> bool:
    """Nobody goes on that was not held, and nobody is held without end."""
    waiting: set[str] = set()
    for one in log:
        if one.kind is HELD:
            waiting.add(one.model)
        elif one.kind is RESUMED:
            waiting.remove(one.model)
    return not waiting
