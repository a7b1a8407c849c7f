"""Small planted worlds for the tests of scoring: votes whose truth was drawn."""

import numpy as np
from scipy.special import expit

from benchmarks.worlds import Bench, coverage_world
from dearena.scoring import Votes
from dearena.scoring.arrays import BoolArray, FloatArray


def coverage_votes(seed: int, votes_per_pair: int, bench: Bench = Bench.CONTESTANTS, undecided: float = 0.0) -> Votes:
    """Votes of a world of coverage; a share of them ties, and a share of all outcomes without a preference."""
    world = coverage_world(seed, bench)
    planted = world.votes(votes_per_pair)
    models = [f"m{model:02d}" for model in range(len(world.skill))]
    judges = models if bench is Bench.CONTESTANTS else [f"o{judge:02d}" for judge in range(len(world.sharpness))]
    chance = np.random.default_rng([seed, 1])
    outcome = np.where(planted.first_won, 0, 1)
    outcome[chance.random(len(outcome)) < undecided] = 2
    unclear = chance.random(len(outcome)) < undecided
    outcome[unclear] = chance.integers(3, 8, int(unclear.sum()))
    return Votes.of_codes(
        models=models,
        judges=judges,
        queries=[f"q{query:02d}" for query in range(world.answer_effect.shape[1])],
        judge=planted.judge,
        first=planted.first,
        second=planted.second,
        query=planted.query,
        outcome=outcome,
    )


def shuffled(votes: Votes, seed: int) -> Votes:
    """The same votes in another order, every other one with its models in the other order."""
    order = np.random.default_rng(seed).permutation(len(votes))
    some = votes.where(order)
    turned = np.arange(len(some)) % 2 == 1
    swapped = np.array([1, 0, 2, 3, 4, 5, 6, 7], dtype=np.int8)[some.outcome]
    return Votes.of_codes(
        models=some.models,
        judges=some.judges,
        queries=some.queries,
        judge=some.judge,
        first=np.where(turned, some.second, some.first),
        second=np.where(turned, some.first, some.second),
        query=some.query,
        outcome=np.where(turned, swapped, some.outcome),
    )


def votes_by_appeal(
    appeal: FloatArray, favour: FloatArray, cells: int, seed: int, names: list[str], tie_share: float = 0.0
) -> Votes:
    """Contestants judge one another in random cells, no one its own answers.

    Args:
        appeal: of each model's answer to each query, log-odds, shape (models, queries).
        favour: what a judge adds to a model's appeal, shape (judges, models), the judges being the models.
        cells: votes in all.
    """
    chance = np.random.default_rng(seed)
    models, queries = appeal.shape
    drawn = np.argsort(chance.random((cells, models)), axis=1)[:, :3]
    judge, first, second = drawn.T
    query = chance.integers(0, queries, cells)
    difference = appeal[first, query] - appeal[second, query] + favour[judge, first] - favour[judge, second]
    outcome = np.where(chance.random(cells) < expit(difference), 0, 1)
    outcome[chance.random(cells) < tie_share] = 2
    return Votes.of_codes(
        models=names,
        judges=names,
        queries=[f"q{number:03d}" for number in range(queries)],
        judge=judge,
        first=first,
        second=second,
        query=query,
        outcome=outcome,
    )


def with_outcomes(votes: Votes, chosen: BoolArray, outcome: int) -> Votes:
    """The votes, with some outcomes replaced."""
    return Votes.of_codes(
        models=votes.models,
        judges=votes.judges,
        queries=votes.queries,
        judge=votes.judge,
        first=votes.first,
        second=votes.second,
        query=votes.query,
        outcome=np.where(chosen, outcome, votes.outcome),
    )
