"""Pairs of models whose true gap is known, before juries of the economy world. Pure.

A pair has 40 queries, on each of which either answer is better or worse than its model by `N(0, .8)`. It is judged by
models of an economy world (sharpness `1.6 max(.05, .7 + .35 skill + N(0, .25))`), in two seat orders with independent
lots, and drawn by the `score` weights of their true skills. The jury hears it in as many batches as it likes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from rich.table import Table
from scipy.special import expit

from benchmarks.jury_figures import Mean, table
from dearena.outcomes import Outcome
from dearena.ranking.asks import Ask
from dearena.ranking.defaults import DEFAULT_CAP
from dearena.ranking.draws import Shown
from dearena.ranking.evidence import Evidence, Vote
from dearena.ranking.jury import Hearing, Patience
from dearena.ranking.pairs import Pair
from dearena.ranking.patience import WINDOW_BATCH
from dearena.ranking.sequential import sequential
from dearena.scoring.weightings import BY_STRENGTH, SCORE, in_parts
from dearena.sparring.planted import QUERY_EFFECT_SD, sharpness, skill
from dearena.trials.world import slugs

QUERIES: Final = 40
JUDGES: Final = 64
WORLDS: Final = 20
"""Benches of judges: pair k comes before those of world k mod 20."""


SETTINGS: Final = ((0.0, 0.01), (0.0, 0.05), (0.0, 0.1), (0.1, 0.05), (0.3, 0.05), (1.0, 0.05))
"""(gap, error) of pairs that are heard."""
PARTS: Final = 8
"""Of the pairs of a setting, to be heard side by side."""

_PAIR: Final = Pair("model-a@1", "model-b@1")


@dataclass(frozen=True, slots=True)
class Bench:
    """Judges of one world.

    Attributes:
        names: in canonical order.
        sharpness: of each.
        weights: likewise, in parts of 65,536.
    """

    names: tuple[str, ...]
    sharpness: dict[str, float]
    weights: dict[str, int]

    @classmethod
    def of(cls, seed: int, judges: int) -> "Bench":
        """The first so many models of the world of this seed."""
        chosen = slugs(judges)
        parts = in_parts(BY_STRENGTH[SCORE](np.array([skill(seed, slug) for slug in chosen])))
        names = tuple(f"{slug}@1" for slug in chosen)
        return cls(
            names,
            dict(zip(names, [sharpness(seed, slug) for slug in chosen], strict=True)),
            dict(zip(names, parts.tolist(), strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a jury said of one pair in the end.

    Attributes:
        sign: 1 decided for the better (of equals, the first in order), -1 for the other; 0 undecided.
        cells: that were asked.
        batches: in so many rounds.
    """

    sign: int
    cells: int
    batches: int


def ruled(number: int, gap: float, error: float, bench: Bench) -> Ruled:
    """Hear one pair to its end.

    Args:
        number: of the pair; pairs of one number have the same query effects at every gap and error.
        gap: true skill of one model less that of the other; which of them is first in order is a lot.
        error: stated to the jury.
        bench: who judges.
    """
    lots = np.random.default_rng([number])
    turn = lots.choice((1, -1)) if gap else 1
    effects = lots.normal(0, QUERY_EFFECT_SD, (2, QUERIES))
    queries = tuple(f"query-{query:02}" for query in range(QUERIES))
    better = dict(zip(queries, turn * gap + effects[0] - effects[1], strict=True))
    evidence = Evidence()
    batches = 0
    while True:
        ruling = sequential(
            Hearing(
                _PAIR,
                bench.names,
                queries,
                bench.weights,
                evidence.of_pair(_PAIR),
                Patience(error, DEFAULT_CAP, batch=WINDOW_BATCH),
                shown=Shown(evidence),
                salt=str(number),
            )
        )
        if not ruling.waits:
            return Ruled(turn * ruling.verdict.preferred, evidence.spent_on(_PAIR.model_a).cells, batches)
        batches += 1
        evidence.add(
            batches, [_vote(ask, bench.sharpness[ask.judge] * better[ask.query_id], lots) for ask in ruling.wanted]
        )


def _vote(ask: Ask, log_odds: float, lots: np.random.Generator) -> Vote:
    """Two seat orders, two lots; they disagree as a flip."""
    one, other = lots.random(2) < expit(log_odds)
    outcome = Outcome.FLIP if one != other else Outcome.A if one else Outcome.B
    return Vote(f"{ask.judge} {ask.query_id}", 1, ask.pair, ask.judge, ask.query_id, outcome, 2)


@dataclass(frozen=True, slots=True)
class Decided:
    """Pairs of one gap at one error.

    Attributes:
        share: that were decided.
        wrong: decided for the weaker; of equals, for the second in order.
        cells, batches: a pair.
        within: whether no more were decided than the error, within two standard errors; of equals only.
    """

    gap: float
    error: float
    pairs: int
    share: Mean
    wrong: Mean
    cells: Mean
    batches: Mean
    within: bool | None

    @classmethod
    def of(cls, gap: float, error: float, rulings: Sequence[Ruled]) -> "Decided":
        """Count them."""
        share = Mean.of_share(sum(one.sign != 0 for one in rulings), len(rulings))
        slack = 2 * np.sqrt(error * (1 - error) / len(rulings))
        return cls(
            gap,
            error,
            len(rulings),
            share,
            Mean.of_share(sum(one.sign < 0 for one in rulings), len(rulings)),
            Mean.of([one.cells for one in rulings]),
            Mean.of([one.batches for one in rulings]),
            None if gap else bool(share.value <= error + slack),
        )


def _rulings(setting: tuple[float, float, int, int], judges: int) -> list[Ruled]:
    """On pairs `first` to `last` (exclusive) of a (gap, error, first, last)."""
    gap, error, first, last = setting
    benches = [Bench.of(seed, judges) for seed in range(WORLDS)]
    return [ruled(number, gap, error, benches[number % len(benches)]) for number in range(first, last)]


Mapped = Callable[..., Iterable[list[Ruled]]]
"""As the builtin `map`, or that of a pool."""


def decided(pairs: int, judges: int, mapped: Mapped = map) -> list[Decided]:
    """Hear so many pairs of each of `SETTINGS` before so many judges."""
    ends = np.linspace(0, pairs, PARTS + 1).astype(int).tolist()
    parts = [(*setting, first, last) for setting in SETTINGS for first, last in pairwise(ends)]
    heard: dict[tuple[float, float], list[Ruled]] = {setting: [] for setting in SETTINGS}
    for (gap, error, *_), some in zip(parts, mapped(partial(_rulings, judges=judges), parts), strict=True):
        heard[gap, error] += some
    return [Decided.of(gap, error, rulings) for (gap, error), rulings in heard.items()]


def shown(found: Sequence[Decided], judges: int) -> Table:
    """For people."""
    made = table(
        f"{found[0].pairs:,} pairs a line, {QUERIES} queries, {judges} judges, worlds 0 to {WORLDS - 1}",
        "within: no more of the equals than the error and two standard errors\n"
        "wrong: for the weaker; of equals, for the second in order",
        *("gap", "error", "decided in %", "wrong in %", "cells", "batches", "within"),
        names=0,
    )
    for one in found:
        within = "" if one.within is None else "yes" if one.within else "NO"
        made.add_row(
            f"{one.gap:g}",
            f"{one.error:g}",
            one.share.percent(),
            one.wrong.percent(),
            one.cells.shown(1),
            one.batches.shown(2),
            within,
        )
    return made
