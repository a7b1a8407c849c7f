"""The arena in memory: the services' rules, played to their end."""

import json

import pytest

from dearena.ranking.decisions import DecisionKind
from dearena.ranking.defaults import DEFAULT_SEED_MODELS
from dearena.ranking.evidence import VOTE, Vote
from dearena.ranking.ranking import replay
from dearena.ranking.rules import Rules
from dearena.scoring import FitSettings
from dearena.scoring import boards as scoring
from dearena.trials.arena import Arena, Inserted, in_cohorts
from dearena.trials.measures import agreement_of_orders
from dearena.trials.world import Planted

MODELS, QUERIES = 10, 8
WORLD = Planted.economy(0, MODELS, QUERIES)


def played(world: Planted = WORLD, at_once: int = 1, jury: str = "exhaustive") -> Arena:
    arena = Arena(world, Rules(jury=jury), in_cohorts(world.models, DEFAULT_SEED_MODELS, at_once))
    arena.run()
    return arena


def votes_of(arena: Arena, number: int) -> list[Vote]:
    """Of a round, without its canaries."""
    return [vote for vote in arena.votes[number] if vote.kind == VOTE]


def test_everybody_has_a_place_in_the_order_of_the_last_board() -> None:
    arena = played()
    assert sorted(arena.state.ranking) == list(WORLD.models)
    assert list(arena.state.ranking) == [row.model for row in arena.made.board.rows]
    assert agreement_of_orders(arena.state.ranking, WORLD.truth).spearman > 0.8


def test_the_log_alone_rebuilds_the_ranking() -> None:
    arena = played()
    assert replay(arena.log) == arena.state
    json.dumps([decision.content for decision in arena.log], allow_nan=False)


def test_the_board_is_that_of_the_same_votes_brought_otherwise() -> None:
    arena = played()
    rounds = [
        [
            scoring.Vote(
                vote.cell_id, vote.attempt, *vote.pair, vote.judge, vote.query_id, vote.outcome, draw=vote.draw
            )
            for vote in reversed(votes_of(arena, number))
        ]
        for number in sorted(arena.votes)
    ]
    entrants = [scoring.Entrant(model) for model in WORLD.models]
    again = scoring.board_of_rounds(rounds, entrants, FitSettings())
    assert again.board.digest == arena.made.board.digest
    assert arena.log[-1].kind is DecisionKind.SETTLED
    assert arena.log[-1].content["board_digest"] == again.board.digest


def test_calls_are_two_a_cell_and_no_cell_is_asked_twice() -> None:
    arena = played()
    cells = [vote.cell_id for votes in arena.votes.values() for vote in votes]
    assert len(set(cells)) == len(cells)
    assert arena.judge_calls == 2 * len(cells)
    assert arena.made.board.judge_calls == 2 * sum(len(votes_of(arena, number)) for number in arena.votes)


def test_every_newcomer_is_told_of_with_its_rank_when_it_settled() -> None:
    arena = played()
    assert [one.model for one in arena.inserted] == list(WORLD.models[DEFAULT_SEED_MODELS:])
    for number, one in enumerate(arena.inserted, start=DEFAULT_SEED_MODELS + 1):
        assert sorted(one.ranking) == list(WORLD.models[:number])
        assert one.ranking[one.rank - 1] == one.model
        assert one.rounds >= 1
    on_newcomers = sum(one.judge_calls for one in arena.inserted)
    assert on_newcomers == 2 * sum(len(votes_of(arena, number)) for number in arena.votes if number > 1)


def test_newcomers_may_enter_together_and_all_find_a_place() -> None:
    arena = played(at_once=3)
    assert sorted(arena.state.ranking) == list(WORLD.models)
    assert len(arena.inserted) == MODELS - DEFAULT_SEED_MODELS
    assert all(isinstance(one, Inserted) and one.rank for one in arena.inserted)


def test_progress_is_told_at_every_settle() -> None:
    heard: list[int] = []
    arena = Arena(WORLD, Rules(jury="exhaustive"), in_cohorts(WORLD.models, DEFAULT_SEED_MODELS, 1))
    arena.run(lambda now: heard.append(len(now.state.ranking)))
    assert heard == list(range(DEFAULT_SEED_MODELS, MODELS + 1))


@pytest.mark.parametrize(("at_once", "sizes"), [(1, [5, 1, 1, 1]), (2, [5, 2, 1]), (9, [5, 3])])
def test_cohorts_hold_everybody_once_in_order(at_once: int, sizes: list[int]) -> None:
    models = [f"m{place}" for place in range(8)]
    cohorts = in_cohorts(models, 5, at_once)
    assert [len(cohort) for cohort in cohorts] == sizes
    assert [model for cohort in cohorts for model in cohort] == models
