"""How often a quote holds: the share of insertions of whole simulated arenas that lie in the quote's 80 % ranges.

    python -m benchmarks.quote_coverage --models 40 --queries 40 --arenas 12

The arenas are played from their first model on, in worlds of other seeds than those the quote is simulated in. Those
insertions count whose ranking is nearly as long as the quote's: the last few of each arena.
"""

import argparse
from statistics import median
from typing import Final

import numpy as np

from dearena.ranking.rules import Rules
from dearena.trials.arena import Arena, in_cohorts
from dearena.trials.newcomers import Setting, Taken, newcomers
from dearena.trials.quote import Range, quote
from dearena.trials.world import Planted

FIRST_SEED: Final = 100
"""Of the arenas: the quote's worlds have seeds from 0."""
LAST: Final = 8
"""Insertions of each arena that count."""


def insertions(seed: int, models: int, queries: int) -> list[Taken]:
    """The last insertions of an arena into which models come one at a time, in random order; canaries included."""
    world = Planted.economy(seed, models, queries)
    entering = [str(model) for model in np.random.default_rng(seed).permutation(world.models)]
    rules = Rules()
    arena = Arena(world, rules, in_cohorts(entering, rules.seed_models, 1))
    arena.run()
    found = []
    for inserted in arena.inserted[-LAST:]:
        rounds = arena.state.insertions[inserted.model].rounds
        calls = sum(vote.judge_calls for number in rounds for vote in arena.votes[number])
        found.append(Taken(calls, len(rounds)))
    return found


def told(name: str, found: Range, actual: list[int]) -> str:
    """A line: the range, and what came of it."""
    inside = sum(found.low <= one <= found.high for one in actual)
    return (
        f"{name}: quoted {found.median:.0f} ({found.low:.0f} to {found.high:.0f}), "
        f"median of {len(actual)} insertions {median(actual):.0f}, inside {inside / len(actual):.0%}"
    )


def main() -> None:
    """Print both shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--arenas", type=int, default=12)
    args = parser.parse_args()
    made = quote(newcomers(Setting(args.models - LAST // 2, args.queries, Rules())), args.queries)
    actual = [
        taken
        for seed in range(FIRST_SEED, FIRST_SEED + args.arenas)
        for taken in insertions(seed, args.models, args.queries)
    ]
    print(told("judge calls", made.judge_calls, [one.judge_calls for one in actual]))
    print(told("rounds", made.rounds, [one.rounds for one in actual]))


if __name__ == "__main__":
    main()
