"""Judges that cannot be reached, or that nobody can read: others take their place, and insertions end."""

import random
from collections import Counter
from functools import lru_cache

import pytest

from dearena.outcomes import Outcome
from dearena.ranking.decisions import DecisionKind, phase_of
from dearena.ranking.evidence import READABLE, Vote
from dearena.ranking.insertion import Fine
from dearena.ranking.rules import Rules
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played, with_outcome

BROKEN = "model-003@1"


@lru_cache
def of_a_broken_judge(seed: int) -> Played:
    """One seed's endpoint answers to nobody."""
    played = Played(
        Planted.economy(seed, 16, 24),
        outcomes=lambda votes: with_outcome(votes, Outcome.FAILED, lambda vote: vote.judge == BROKEN),
    )
    played.rest()
    return played


def lost(vote: Vote) -> bool:
    return random.Random(vote.cell_id).random() < 0.3


@lru_cache
def of_losses(seed: int, outcome: Outcome) -> Played:
    """Three of ten outcomes come to nothing, whoever judges."""
    played = Played(Planted.economy(seed, 14, 24), outcomes=lambda votes: with_outcome(votes, outcome, lost))
    played.rest()
    return played


def assert_settled(played: Played) -> None:
    assert sorted(played.state.ranking) == sorted(played.planted.models)
    for insertion in played.state.insertions.values():
        assert 0 < len(insertion.rounds) <= played.rules.most_rounds
    cells = Counter((vote.pair, vote.judge, vote.query_id) for vote in played.asked())
    assert max(cells.values()) == 1


def assert_heard_out(played: Played) -> None:
    """Whoever settled in its own time has all its neighbours decided, or heard up to the cap."""
    looked = 0
    for decision in played.of_kind(DecisionKind.STEPPED):
        content = decision.content
        if not decision.model or content["ended_early"] or content["after"]["phase"] != "settled":
            continue
        before = phase_of(content["before"])
        assert isinstance(before, Fine)
        for verdict in content["verdicts"]:
            heard = sum(verdict["votes"]) + verdict["others"]
            assert verdict["decided"] or heard >= played.rules.cap, (decision.model, verdict)
            looked += 1
    assert looked > 5


@pytest.mark.parametrize("seed", [0, 1])
def test_a_judge_that_always_fails_is_replaced_on_every_pair(seed: int) -> None:
    played = of_a_broken_judge(seed)
    assert_settled(played)
    assert_heard_out(played)
    failed = Counter(vote.pair for vote in played.asked() if vote.judge == BROKEN)
    assert failed
    healthy = Counter(vote.judge for vote in played.asked() if vote.pair in failed and vote.outcome in READABLE)
    assert len(healthy) > 3
    assert not played.state.suspended, "an endpoint's failures are no fault of a judge"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_judge_that_has_failed_on_a_pair_is_not_asked_about_it_again(seed: int) -> None:
    played = of_a_broken_judge(seed)
    rounds: dict[object, set[int]] = {}
    for number, votes in played.votes.items():
        for vote in votes:
            if vote.judge == BROKEN and vote.pair.model_a != vote.pair.model_b:
                rounds.setdefault(vote.pair, set()).add(number)
    assert {len(numbers) for numbers in rounds.values()} == {1}


@pytest.mark.parametrize(("seed", "outcome"), [(0, Outcome.FAILED), (1, Outcome.INVALID)])
def test_three_lost_outcomes_of_ten_cost_rounds_and_no_evidence(seed: int, outcome: Outcome) -> None:
    played = of_losses(seed, outcome)
    share = sum(vote.outcome is outcome for vote in played.asked()) / len(played.asked())
    assert 0.2 < share < 0.4
    assert_settled(played)
    assert_heard_out(played)
    # Replacing what was lost takes rounds; provisional is only who has used them all up over it.
    provisional = [insertion for insertion in played.state.insertions.values() if insertion.provisional]
    assert all(len(insertion.rounds) == played.rules.most_rounds for insertion in provisional)
    assert len(provisional) <= 2


def test_whom_nobody_could_be_heard_about_has_a_provisional_rank_and_no_one_else_has() -> None:
    world = Planted.economy(0, 9, 8)
    unlucky = world.models[7]
    played = Played(
        world, outcomes=lambda votes: with_outcome(votes, Outcome.FAILED, lambda vote: unlucky in vote.pair)
    )
    played.rest()
    assert_settled(played)
    assert {model for model, one in played.state.insertions.items() if one.provisional} == {unlucky}
    (told,) = (one for one in played.of_kind(DecisionKind.SETTLED) if unlucky in one.content["models"])
    assert told.content["provisional"] == [unlucky]


def test_a_small_dimension_has_no_provisional_ranks() -> None:
    """All of its cells are fewer than the cap: that is no failure of anybody."""
    played = Played(Planted.economy(0, 8, 4))
    played.rest()
    assert max(Counter(vote.pair for vote in played.asked()).values()) < played.rules.cap
    assert not any(insertion.provisional for insertion in played.state.insertions.values())


def test_a_world_without_a_single_vote_comes_to_rest() -> None:
    rules = Rules(cap=12)
    played = Played(
        Planted.economy(0, 9, 4), rules, outcomes=lambda votes: with_outcome(votes, Outcome.VOID, lambda _vote: True)
    )
    played.rest()
    assert_settled(played)
