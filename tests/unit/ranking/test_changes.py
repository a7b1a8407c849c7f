"""Models leave, and judges, in the midst of insertions: the others go on."""

import pytest

from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import DecisionKind
from dearena.ranking.entrants import EntrantState
from dearena.ranking.insertion import Coarse, Fine
from dearena.ranking.ranking import RankingState, Withdrawn
from dearena.ranking.rules import Rules
from dearena.ranking.why import why
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

NOBODY = Wait("no newcomer")


def searching(state: RankingState, phase: type[Coarse | Fine], fewest: int = 2) -> bool:
    """Whether several newcomers are in the midst of a round, one of them in this phase."""
    first = next(iter(state.newcomers), None)
    return (
        state.open_round is not None
        and len(state.newcomers) >= fewest
        and first is not None
        and isinstance(state.insertions[first].phase, phase)
        and len(state.insertions[first].rounds) > 1
    )


def in_the_midst(seed: int, phase: type[Coarse | Fine] = Coarse) -> Played:
    world = Planted.economy(seed, 16, 16)
    played = Played(world, cohorts=[world.models[:10], world.models[10:]])
    played.until(lambda state: len(state.ranking) >= 10 and searching(state, phase))
    return played


@pytest.mark.parametrize("phase", [Coarse, Fine])
@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_ranked_model_leaves_and_everybody_else_finds_a_place(place: int, phase: type[Coarse | Fine]) -> None:
    played = in_the_midst(0, phase)
    leaver = played.state.ranking[place]
    played.retire(leaver)
    assert played.rest() == NOBODY
    assert sorted((*played.state.ranking, leaver)) == sorted(played.planted.models)
    (left,) = played.of_kind(DecisionKind.MODEL_RETIRED)
    later = [one for one in played.of_kind(DecisionKind.ROUND_OPENED) if one.number > left.number]
    assert later
    assert not any(leaver in one.content["judges"] for one in later)
    assert not any(leaver in pair for one in later for pair in one.content["pairs"])
    assert not any(insertion.provisional for insertion in played.state.insertions.values())
    (row,) = (row for row in played.made.board.rows if row.model == leaver)
    assert row.rank == 0


def test_a_window_moves_with_the_neighbours_it_had() -> None:
    """Whoever leaves above a newcomer takes a place off it; who leaves below does not."""
    for place, taken in ((0, 1), (-1, 0)):
        played = in_the_midst(0, Fine)
        model = next(one for one in played.state.newcomers if isinstance(played.state.insertions[one].phase, Fine))
        played.until(lambda state: not state.open_round and not state.settling)
        before = played.state.insertions[model].phase
        if not isinstance(before, Fine) or before.place in (0, len(played.state.ranking)):
            continue
        played.retire(played.state.ranking[place])
        played.step()
        after = played.state.insertions[model].phase
        assert isinstance(after, Fine)
        assert before.place - after.place == taken


@pytest.mark.parametrize("phase", [Coarse, Fine])
def test_a_newcomer_that_leaves_makes_room_and_keeps_nobody(phase: type[Coarse | Fine]) -> None:
    """Coarse, it leaves while it is being judged; fine, between two rounds."""
    played = in_the_midst(1, phase)
    if phase is Fine:
        played.until(lambda state: not (state.open_round or state.settling))
    leaver, *others = (
        model for model in played.state.newcomers if isinstance(played.state.insertions[model].phase, phase)
    )
    played.retire(leaver)
    assert played.rest() == NOBODY
    assert isinstance(played.state.insertions[leaver].phase, Withdrawn)
    assert leaver not in played.state.ranking
    assert set(others) <= set(played.state.ranking)
    assert len(played.state.ranking) == 15
    assert not played.state.outdated


def test_a_judge_leaves_in_mid_insertion_and_others_judge_in_its_place() -> None:
    played = in_the_midst(0)
    asked = [vote.judge for votes in played.votes.values() for vote in votes]
    judge = max(sorted(set(asked)), key=asked.count)
    served = played.state.newcomers
    played.change(judge, may_judge=False)
    assert played.rest() == NOBODY
    (left,) = [one for one in played.of_kind(DecisionKind.JUDGE_SUSPENDED) if one.model == judge]
    assert left.content["by"] == "gateway"
    later = [one for one in played.of_kind(DecisionKind.ROUND_OPENED) if one.number > left.number]
    assert set(served) & {model for one in later for model in one.content["models"]}
    assert not any(judge in one.content["judges"] for one in later)
    assert judge in played.state.ranking
    assert len(played.state.ranking) == 16
    assert not any(insertion.provisional for insertion in played.state.insertions.values())
    # What it said before still counts: only who is suspended is not listened to.
    assert played.state.suspended == frozenset()


def test_a_judge_that_comes_back_is_asked_again() -> None:
    played = in_the_midst(0)
    judge = played.state.ranking[3]
    played.change(judge, may_judge=False)
    played.until(lambda state: not state.admitted[judge].may_judge)
    played.change(judge, may_judge=True)
    played.rest()
    (back,) = played.of_kind(DecisionKind.JUDGE_REINSTATED)
    assert any(judge in one.content["judges"] for one in played.of_kind(DecisionKind.ROUND_OPENED)[-10:])
    assert back.content["by"] == "gateway"


def test_an_idle_ranking_has_a_board_without_its_leaver_at_once() -> None:
    played = Played(Planted.economy(0, 8, 8))
    played.rest()
    rounds, leaver = played.state.last_closed_round, played.state.ranking[2]
    played.retire(leaver)
    assert played.rest() == NOBODY
    assert leaver not in played.state.ranking
    assert played.state.last_closed_round == rounds + 1
    opened = played.of_kind(DecisionKind.ROUND_OPENED)[-1]
    assert opened.content["cells"] == 0
    assert "no cells" in why(opened)
    assert not played.state.outdated


def test_a_ranking_that_everybody_left_is_seeded_anew() -> None:
    played = Played(Planted.economy(0, 10, 8), Rules(seed_models=3))
    played.until(lambda state: len(state.ranking) >= 3)
    gone = played.state.ranking
    for model in gone:
        played.retire(model)
    played.rest()
    assert sorted((*played.state.ranking, *gone)) == sorted(played.planted.models)
    assert not played.state.outdated


def test_whoever_never_answers_keeps_its_cohort_and_nobody_else() -> None:
    world = Planted.economy(0, 12, 8)
    played = Played(world, cohorts=[world.models[:8], world.models[8:10], world.models[10:]])
    played.change(world.models[8], state=EntrantState.COLLECTING)
    assert played.rest() == Wait(f"answers of {world.models[8]} are being collected")
    assert set(played.state.admitted) == {*world.models[:8], *world.models[10:]}
    played.change(world.models[8], state=EntrantState.FAILED)
    assert played.rest() == NOBODY
    assert world.models[9] in played.state.ranking
