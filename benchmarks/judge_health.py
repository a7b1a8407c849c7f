"""How soon a bad judge is suspended, and whether a healthy one ever is, in planted worlds.

    python benchmarks/judge_health.py [--seeds 20] [--first-seed 0] [--jobs 2]

Each world is of 66 models that judge one another: skill `N(0, 1)`, an answer better or worse than that by `N(0, .8)`
on each of 40 queries, sharpness `1.6 max(.05, .7 + .35 skill + N(0, .25))`. Every model in turn is the judge that is
watched, healthy or bad, for 2,000 cells or until `health.suspension` has a reason. It gets five votes a round, each on
two models at most three places apart in the arena's ranking, and the canaries of `canary_schedule` beside them; a
truncated answer is worth 3 less. The arena knows strengths with an error of `N(0, .25)`, the same for the whole life
of a judge: worse than a board that learns. The first seat is worth `N(.3, .3)` in log-odds, one a judge, or nothing.

Kinds: `healthy`; `dull`, healthy with a sharpness of .08; `ties`, healthy, but three in five cells are a tie;
`inverted`, of all sharpnesses; `first`, always the first seat; `unreadable`, 19 replies in 20.

Exits with 1 when a healthy judge was suspended. Prints a table and writes nothing.
"""

import os

# Read when numpy is loaded: a process a job, no more.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import time  # noqa: E402
from collections.abc import Iterable  # noqa: E402
from concurrent.futures import ProcessPoolExecutor  # noqa: E402
from dataclasses import astuple, dataclass, fields  # noqa: E402
from enum import Enum  # noqa: E402
from functools import cache  # noqa: E402
from itertools import pairwise, product  # noqa: E402
from typing import Annotated, Final  # noqa: E402

import numpy as np  # noqa: E402
import typer  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich import box  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.special import expit  # noqa: E402

from dearena.canaries import Sort  # noqa: E402
from dearena.outcomes import Outcome  # noqa: E402
from dearena.ranking.canary_schedule import canaries_due, next_canaries  # noqa: E402
from dearena.ranking.defaults import DEFAULT_CANARY_EVERY  # noqa: E402
from dearena.ranking.health import ONE, WIDEST_GAP, JudgeRecord, suspension  # noqa: E402
from dearena.ranking.rules import SeatPolicy  # noqa: E402

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MODELS: Final = 66
QUERIES: Final = 40
ANSWER_DEVIATION: Final = 0.8
STRENGTH_ERROR: Final = 0.25
WITHIN: Final = 3
TRUNCATION: Final = 3.0
DULL: Final = 0.08
TIES: Final = 0.6
UNREADABLE: Final = 0.95
FIRST_SEAT: Final = (0.3, 0.3)
CELLS: Final = 2_000
SOON: Final = 200
VOTES_A_ROUND: Final = 5
SHARPNESS_CLASSES: Final = (0, 0.2, 0.4, 0.6, 0.8, 1.0, 4.0)

SEATS: Final = ("FIRST", "SECOND", "TIE", "UNREADABLE", "")
"""What can be said in one seat order; nothing where it was not shown."""
COLUMNS: Final = {field.name: number for number, field in enumerate(fields(JudgeRecord))}


class Kind(Enum):
    """What the watched judge is."""

    HEALTHY = "healthy"
    DULL = "dull"
    TIES = "ties"
    INVERTED = "inverted"
    FIRST = "first"
    UNREADABLE = "unreadable"

    @property
    def healthy(self) -> bool:
        """Whether it may not be suspended."""
        return self in {Kind.HEALTHY, Kind.DULL, Kind.TIES}


@dataclass(frozen=True, slots=True)
class Setting:
    """Of one line of the table."""

    kind: Kind
    seats: SeatPolicy
    biased: bool


@dataclass(frozen=True, slots=True)
class Life:
    """Of one judge: its cells until it was suspended or enough was seen, canaries among them, and why it went."""

    sharpness: float
    cells: int
    canaries: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Judge:
    """How the watched judge draws its verdicts."""

    setting: Setting
    sharpness: float
    bias: float

    def cells(self, worth: FloatArray, chance: np.random.Generator) -> IntArray:
        """Numbers of `SEATS` for A first and for B first, one row a cell; `worth`: of A less that of B."""
        shape = (len(worth), 2)
        leaning = (-1 if self.setting.kind is Kind.INVERTED else 1) * self.sharpness * worth
        chance_of_a = expit(np.stack([leaning + self.bias, leaning - self.bias], axis=1))
        said = (chance.random(shape) >= chance_of_a).astype(np.int64)
        said[:, 1] = 1 - said[:, 1]
        if self.setting.kind is Kind.FIRST:
            said[:] = SEATS.index("FIRST")
        if self.setting.kind is Kind.UNREADABLE:
            said[chance.random(shape) < UNREADABLE] = SEATS.index("UNREADABLE")
        if self.setting.kind is Kind.TIES:
            said[chance.random(len(worth)) < TIES] = SEATS.index("TIE")
        if self.setting.seats is SeatPolicy.SINGLE:
            said[np.arange(len(worth)), chance.integers(2, size=len(worth))] = SEATS.index("")
        return said


def outcome_of(a_first: str, b_first: str) -> Outcome:
    """What becomes of a cell, by what was said in its seat orders; at least one was shown."""
    if "UNREADABLE" in {a_first, b_first}:
        return Outcome.INVALID
    read_a = {"FIRST": Outcome.A, "SECOND": Outcome.B, "TIE": Outcome.TIE}
    read_b = {"FIRST": Outcome.B, "SECOND": Outcome.A, "TIE": Outcome.TIE}
    said = {read[seat] for read, seat in ((read_a, a_first), (read_b, b_first)) if seat}
    return said.pop() if len(said) == 1 else Outcome.FLIP


@cache
def counts_of_cells(canary: Sort | None) -> IntArray:
    """What one cell adds to a record, by the numbers of its two seats: votes without a gap, or canaries."""
    counts = np.zeros((len(SEATS), len(SEATS), len(COLUMNS)), np.int64)
    for (a, a_first), (b, b_first) in product(enumerate(SEATS), repeat=2):
        if a_first or b_first:
            outcome, verdicts, fresh = outcome_of(a_first, b_first), (a_first, b_first), JudgeRecord()
            record = fresh.with_canary(canary, outcome, verdicts) if canary else fresh.with_vote(outcome, verdicts)
            counts[a, b] = astuple(record)
    return counts


def counts_of_votes(said: IntArray, gaps: FloatArray) -> IntArray:
    """What each vote adds to a record."""
    counts = counts_of_cells(None)[said[:, 0], said[:, 1]]
    preferred = np.zeros((len(SEATS), len(SEATS)), np.int64)
    for (a, a_first), (b, b_first) in product(enumerate(SEATS), repeat=2):
        if a_first or b_first:
            preferred[a, b] = {Outcome.A: 1, Outcome.B: -1}.get(outcome_of(a_first, b_first), 0)
    parts = np.rint(np.clip(gaps, -WIDEST_GAP, WIDEST_GAP) * ONE).astype(np.int64)
    with_order = preferred[said[:, 0], said[:, 1]] * parts
    counts[:, COLUMNS["agreed"]] = with_order > 0
    counts[:, COLUMNS["disagreed"]] = with_order < 0
    counts[:, COLUMNS["against"]] = -with_order
    counts[:, COLUMNS["squares"]] = with_order**2
    return counts


def lives(seed: int, setting: Setting) -> list[Life]:
    """Of every model of a world as the watched judge."""
    chance = np.random.default_rng(
        (seed, *setting.kind.value.encode(), setting.seats is SeatPolicy.BOTH, setting.biased)
    )
    planted = np.random.default_rng(seed)
    skill = planted.normal(0, 1, MODELS)
    answers = skill[:, None] + planted.normal(0, ANSWER_DEVIATION, (MODELS, QUERIES))
    sharpness = 1.6 * np.maximum(0.05, 0.7 + 0.35 * skill + planted.normal(0, 0.25, MODELS))
    known = skill + planted.normal(0, STRENGTH_ERROR, MODELS)
    bias = planted.normal(*FIRST_SEAT, MODELS) if setting.biased else np.zeros(MODELS)
    found = []
    for judge in range(MODELS):
        ranking = np.array([model for model in np.argsort(-known) if model != judge])
        upper = chance.integers(0, MODELS - 1 - WITHIN, CELLS)
        pairs = np.stack([ranking[upper], ranking[upper + chance.integers(1, WITHIN + 1, CELLS)]])
        a, b = chance.permuted(pairs, axis=0)
        query = chance.integers(0, QUERIES, CELLS)
        watched = Judge(setting, DULL if setting.kind is Kind.DULL else sharpness[judge], bias[judge])
        votes = counts_of_votes(watched.cells(answers[a, query] - answers[b, query], chance), known[a] - known[b])
        canaries = {
            canary: counts_of_cells(canary)[tuple(watched.cells(np.full(CELLS, worth), chance).T)]
            for canary, worth in ((Sort.TRUNCATED, TRUNCATION), (Sort.SAME, 0.0))
        }
        found.append(life(watched.sharpness, votes, canaries))
    return found


def life(sharpness: float, votes: IntArray, canaries: dict[Sort, IntArray]) -> Life:
    """Play the rounds of one judge, whose verdicts are drawn."""
    # Lists: adding a dozen numbers, half a million times, is no work for an array.
    rounds = iter(votes.reshape(-1, VOTES_A_ROUND, len(COLUMNS)).sum(axis=1).tolist())
    asked = {canary: map(np.ndarray.tolist, counts) for canary, counts in canaries.items()}
    record = JudgeRecord()
    totals = [0] * len(COLUMNS)
    while record.cells < CELLS:
        due = canaries_due(record, VOTES_A_ROUND, DEFAULT_CANARY_EVERY)
        heard = [next(asked[canary]) for canary in next_canaries(record, due)] if due else []
        totals = [sum(column) for column in zip(totals, next(rounds), *heard, strict=True)]
        record = JudgeRecord(*totals)
        if reason := suspension(record):
            return Life(sharpness, record.cells, record.canaries, reason)
    return Life(sharpness, record.cells, record.canaries, None)


def of_all_worlds(seeds: Iterable[int], settings: Iterable[Setting], jobs: int) -> dict[Setting, list[Life]]:
    """The lives of all judges of all worlds, by setting."""
    tasks = [(seed, setting) for setting in settings for seed in seeds]
    found: dict[Setting, list[Life]] = {setting: [] for _, setting in tasks}
    with ProcessPoolExecutor(jobs) as pool:
        for (_, setting), some in zip(tasks, pool.map(lives, *zip(*tasks, strict=True)), strict=True):
            found[setting] += some
    return found


def row(setting: Setting, some: list[Life]) -> tuple[str, ...]:
    """A line of the table; a judge never suspended counts as later than all."""
    out = np.array([one.cells if one.reason else np.inf for one in some])
    suspended = int(np.isfinite(out).sum())
    head = setting.kind.value, setting.seats.value.lower(), "N(.3, .3)" if setting.biased else "0"
    share = f"{sum(one.canaries for one in some) / sum(one.cells for one in some):.1%}"
    ends = f"{suspended:,} of {len(some):,}", share
    if setting.kind.healthy:
        return (*head, *ends, "", "", "", "")

    def shown(cells: float) -> str:
        return f"{cells:,.0f}" if np.isfinite(cells) else "never"

    middle, late, latest = np.quantile(out, [0.5, 0.95, 1], method="higher")
    return (*head, *ends, shown(middle), shown(late), shown(latest), f"{np.mean(out <= SOON):.1%}")


def by_sharpness(found: dict[Setting, list[Life]]) -> Table:
    """Inverted judges that were suspended soon: a dull one hardly differs from a coin."""
    table = Table(
        "inverted", "sharpness", "judges", f"within {SOON}", f"within {CELLS:,}", box=box.SIMPLE, pad_edge=False
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for seats in SeatPolicy:
        some = [
            one
            for setting, judges in found.items()
            for one in judges
            if setting.kind is Kind.INVERTED and setting.seats is seats
        ]
        for low, high in pairwise(SHARPNESS_CLASSES):
            cells = np.array([one.cells if one.reason else np.inf for one in some if low <= one.sharpness < high])
            shares = [f"{np.mean(cells <= most):.1%}" if len(cells) else "" for most in (SOON, CELLS)]
            table.add_row(seats.value.lower(), f"{low:g} to {high:g}", f"{len(cells):,}", *shares)
    return table


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Worlds, one a seed.")] = 20,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Measure how soon bad judges are suspended, and whether healthy ones ever are."""
    begin = time.monotonic()
    settings = [
        Setting(kind, seats, biased)
        for kind, seats, biased in product(Kind, SeatPolicy, (False, True))
        if biased or kind in {Kind.HEALTHY, Kind.INVERTED}
    ]
    found = of_all_worlds(range(first_seed, first_seed + seeds), settings, jobs)
    table = Table(
        *("judge", "seats", "first seat", "suspended", "canaries", "median", "95 %", "last", f"within {SOON}"),
        title=f"{MODELS} judges a world, seeds {first_seed} to {first_seed + seeds - 1}, {CELLS:,} cells at most",
        caption="canaries: of all cells; median to last: cells until suspended",
        box=box.SIMPLE,
        pad_edge=False,
    )
    for column in table.columns[3:]:
        column.justify = "right"
    for setting, some in found.items():
        table.add_row(*row(setting, some))
    printed = Console(width=120)
    printed.print(table)
    printed.print(by_sharpness(found))
    printed.print(f"{time.monotonic() - begin:.0f} s")
    wronged = [one.reason for setting, some in found.items() if setting.kind.healthy for one in some if one.reason]
    if wronged:
        printed.print("healthy, yet suspended:", *wronged, sep="\n")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
