"""The scorer's speed, memory and agreement, beside arena-rank, evalica and arenakit.

    make bench-scoring [ARGS="--rounds 7 --json FILE"]

Every figure is a ratio of one run. Each contestant is a process of its own, and they take turns, one call
each a round. The first call stands apart (JAX compiles, Python hashes its strings); medians are of the
others, and CPU seconds of all threads. Ours has one BLAS thread and finds intervals clustered by query and
by judge; the peers have every core that they can use, and of them only arena-rank finds intervals, which
take votes as independent.

What is compared, on random votes of planted strengths (`scoring_peers/planted_votes.py`):

- from index columns: who has no such entry is given the nearest it has, and what that leaves to do before
  (a count by NumPy, where it takes counts) is part of its time; the rows "counts" show how far a peer gets
  when somebody counts for it;
- from string columns, encoding included: lists of strings, each an object of its own as readers of files
  give them, and Arrow columns, which is what pandas 3 holds strings in. arena-rank reads a DataFrame: one
  made before, of Arrow columns, or one it makes of the lists;
- a refit after 1,000 new votes as a share of the full fit;
- ten times the votes and five times the models, ours alone;
- strengths with the prior out of the way, centred, against each peer's. evalica by default stops early: it
  is told a tolerance of 1e-12 and a limit of 100,000 iterations; arenakit is told to use no prior.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from benchmarks.scoring_peers.bout import ONE_THREAD, Contestant, Record, compete
from benchmarks.scoring_peers.planted_votes import NEW_VOTES, plant

MODELS: Final = 200
JUDGES: Final = 200
QUERIES: Final = 1_000
VOTES: Final = 2_000_000

LARGE_MODELS: Final = 1_000
LARGE_JUDGES: Final = 1_000
LARGE_VOTES: Final = 20_000_000
LARGE_CALLS: Final = 3

ROUNDS: Final = 7
SLOW_CALLS: Final = 2
"""Calls asked of those that take seconds for one."""
WIDTH: Final = 130
"""Characters a line at least: a table of figures broken into lines tells nobody anything."""

TIMES_ARENA_RANK: Final = 15.0
"""How often as fast as arena-rank the scorer shall be, at least."""
REFIT_SHARE: Final = 0.2
"""What a refit may take of a full fit, at most."""
STRENGTH_TOLERANCE: Final = 1e-3
"""Largest difference in strength that is agreement, in log-odds."""


@dataclass(frozen=True)
class Claim:
    """What is asked, and whether it holds in this run; None: nothing is asked, it is told."""

    what: str
    asked: str
    measured: str
    holds: bool | None


@dataclass(frozen=True)
class Group:
    """Contestants that took turns."""

    title: str
    records: Sequence[Record]

    def __getitem__(self, label: str) -> Record:
        return next(record for record in self.records if record.label == label)

    def table(self, ours: str | None = None) -> Table:
        """Times and memory; with `ours`, how often as fast that one is as each other."""
        table = Table(title=self.title, title_justify="left", box=SIMPLE_HEAD)
        table.add_column("", no_wrap=True)
        for column in ("first s", "median s", "least s", "CPU s", "encode s", "fit s", "peak MiB"):
            table.add_column(column, justify="right")
        if ours:
            table.add_column("times ours", justify="right")
        for record in self.records:
            encode, fit = record.stage("encode"), record.stage("fit")
            cells = [
                _seconds(value) for value in (record.first, record.median, record.quickest, record.cpu, encode, fit)
            ]
            cells.append(f"{record.peak:,.0f}")
            if ours:
                cells.append(f"{record.median / self[ours].median:.2f}")
            table.add_row(record.label, *cells, style="bold" if record.label.startswith("ours") else None)
        return table


def main() -> None:
    parser = argparse.ArgumentParser(description="The scorer's speed, memory and agreement, beside its peers.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="calls of each contestant, the cold one included")
    parser.add_argument("--seed", type=int, default=0, help="of the planted votes")
    parser.add_argument("--votes", type=int, default=VOTES, help="but for the large fit")
    parser.add_argument("--skip-large", action="store_true", help=f"leave out the fit of {LARGE_VOTES:,} votes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("--rounds: one call is cold, so there must be two")
    console = Console(width=max(WIDTH, Console().width))
    console.print(machine())
    with tempfile.TemporaryDirectory(prefix="dearena-scoring-speed-") as folder:
        bench = Bench(Path(folder), arguments.rounds, arguments.seed, arguments.votes)
        groups, claims = [], []
        for measure in (bench.index, bench.strings, bench.refit, bench.agreement):
            group, found = measure()
            console.print(group.table(next((r.label for r in group.records if r.label.startswith("ours")), None)))
            groups.append(group)
            claims += found
        if not arguments.skip_large:
            groups.append(bench.large())
            console.print(groups[-1].table())
    console.print(table_of(claims))
    versions = {
        name: version for group in groups for record in group.records for name, version in record.versions.items()
    }
    console.print(" ".join(f"{name} {version}" for name, version in sorted(versions.items())))
    if arguments.json:
        arguments.json.write_text(json.dumps(report(groups, claims, versions), indent=1) + "\n", "utf-8")


class Bench:
    """What is measured, on votes kept in a folder."""

    def __init__(self, folder: Path, rounds: int, seed: int, votes: int) -> None:
        self._folder, self._rounds, self._seed = folder, rounds, seed
        planted = plant(models=MODELS, judges=JUDGES, queries=QUERIES, votes=votes + NEW_VOTES * rounds, seed=seed)
        self._votes, self._later = folder / "votes", folder / "later"
        planted.rows(0, votes).save(self._votes)
        planted.rows(votes, len(planted)).save(self._later)
        self._size = f"{MODELS} models, {JUDGES} judges, {QUERIES:,} queries, {votes:,} votes"

    def index(self) -> tuple[Group, list[Claim]]:
        """From index columns."""
        group = self._group(
            f"From index columns: {self._size}",
            self._ours("ours", "index"),
            self._peer("arena-rank", "arena_rank", "index"),
            self._peer("arena-rank, counts", "arena_rank", "tallies"),
            self._peer("evalica, fit alone", "evalica", "index"),
            self._peer("evalica, counts", "evalica", "tallies"),
            self._peer("arenakit, counts", "arenakit", "tallies"),
            self._ours("ours, judges are models, score", "score"),
            self._ours("ours, judges are models, reliability", "reliability", at_most=SLOW_CALLS),
        )
        ours, arena_rank, evalica = group["ours"], group["arena-rank"], group["evalica, fit alone"]
        return group, [
            quicker("from index columns, to arena-rank", ours, arena_rank, TIMES_ARENA_RANK),
            quicker("from index columns, to evalica's fit alone", ours, evalica, 1.0),
            smaller("from index columns, peak memory", ours, arena_rank),
        ]

    def strings(self) -> tuple[Group, list[Claim]]:
        """From columns of strings, as each reads them."""
        group = self._group(
            f"From string columns: {self._size}",
            self._ours("ours, lists", "lists"),
            self._ours("ours, Arrow", "arrow"),
            self._peer("arena-rank, pandas (Arrow)", "arena_rank", "strings"),
            self._peer("arena-rank, lists", "arena_rank", "lists"),
            self._peer("evalica, lists", "evalica", "strings"),
            self._peer("arenakit, records", "arenakit", "strings", at_most=SLOW_CALLS),
        )
        lists, arrow = group["ours, lists"], group["ours, Arrow"]
        arena_rank, evalica = group["arena-rank, pandas (Arrow)"], group["evalica, lists"]
        return group, [
            quicker("from Arrow, to arena-rank from the same", arrow, arena_rank, TIMES_ARENA_RANK),
            quicker("from lists, to arena-rank from the same", lists, group["arena-rank, lists"], TIMES_ARENA_RANK),
            quicker("from lists, to evalica's fit alone", lists, evalica, 1.0),
            smaller("from Arrow, peak memory", arrow, arena_rank),
            smaller("from lists, peak memory", lists, arena_rank),
        ]

    def refit(self) -> tuple[Group, list[Claim]]:
        """After new votes, beside full fits in the same run."""
        both = (self._votes, self._later)
        group = self._group(
            f"Refit after {NEW_VOTES:,} new votes: {self._size}",
            self._ours("ours, full from index", "index"),
            self._ours("ours, full from lists", "lists"),
            self._ours("ours, refit from index", "refit-index", votes=both),
            self._ours("ours, refit from lists", "refit-lists", votes=both),
        )
        claims = []
        for what in ("index", "lists"):
            refit, full = group[f"ours, refit from {what}"], group[f"ours, full from {what}"]
            share, added = refit.median / full.median, refit.stage("add") or 0.0
            claims += [
                Claim(
                    f"refit from {what}, share of the full fit",
                    f"at most {REFIT_SHARE}",
                    f"{share:.3f}",
                    share <= REFIT_SHARE,
                ),
                Claim(
                    f"adding {NEW_VOTES:,} votes from {what} to what stands",
                    "",
                    f"{1000 * added:.2f} ms",
                    holds=None,
                ),
            ]
        return group, claims

    def agreement(self) -> tuple[Group, list[Claim]]:
        """Strengths, with no prior and no early stop."""
        group = Group(
            f"To the end, without a prior: {self._size}",
            compete(
                [
                    self._ours("ours", "exact"),
                    self._peer("arena-rank", "arena_rank", "tallies"),
                    self._peer("evalica", "evalica", "exact"),
                    self._peer("arenakit", "arenakit", "exact"),
                ],
                rounds=2,
            ),
        )
        ours, *peers = group.records
        claims = []
        for peer in peers:
            apart = largest_difference(ours.strengths, peer.strengths)
            claims.append(
                Claim(
                    f"largest difference in strength to {peer.label}",
                    f"at most {STRENGTH_TOLERANCE}",
                    f"{apart:.1e}",
                    apart <= STRENGTH_TOLERANCE,
                )
            )
        wider = np.median(np.divide(ours.half_widths, group["arena-rank"].half_widths))
        claims.append(Claim("median width of our interval to arena-rank's", "", f"{wider:.2f} times", holds=None))
        return group, claims

    def large(self) -> Group:
        """Ours alone on ten times the votes."""
        path = self._folder / "large"
        plant(models=LARGE_MODELS, judges=LARGE_JUDGES, queries=QUERIES, votes=LARGE_VOTES, seed=self._seed).save(path)
        size = f"{LARGE_MODELS:,} models, {LARGE_JUDGES:,} judges, {QUERIES:,} queries, {LARGE_VOTES:,} votes"
        contestant = self._ours("ours", "index", votes=(path,))
        return Group(f"From index columns: {size}", compete([contestant], rounds=LARGE_CALLS))

    def _group(self, title: str, *contestants: Contestant) -> Group:
        return Group(title, compete(contestants, self._rounds))

    def _ours(
        self, label: str, form: str, votes: tuple[Path, ...] | None = None, at_most: int | None = None
    ) -> Contestant:
        return Contestant(label, "ours", form, votes or (self._votes,), ONE_THREAD, at_most)

    def _peer(self, label: str, module: str, form: str, at_most: int | None = None) -> Contestant:
        return Contestant(label, module, form, (self._votes,), at_most=at_most)


def quicker(what: str, ours: Record, theirs: Record, times: float) -> Claim:
    """Whether ours is at least so many times as fast: by the medians of warm calls, and by the quickest ones.

    A busy machine lengthens the medians, and most those of peers that use every core. CPU time is told beside.
    """
    median, least = theirs.median / ours.median, theirs.quickest / ours.quickest
    measured = f"{median:.1f} (least {least:.1f}, CPU {theirs.cpu / ours.cpu:.1f}) times"
    return Claim(f"speed {what}", f"at least {times:g} times", measured, min(median, least) >= times)


def smaller(what: str, ours: Record, theirs: Record) -> Claim:
    """Whether the peak memory of ours is below."""
    return Claim(what, f"below arena-rank's {theirs.peak:,.0f} MiB", f"{ours.peak:,.0f} MiB", ours.peak < theirs.peak)


def largest_difference(one: Sequence[float], other: Sequence[float]) -> float:
    """Of strengths around their mean: only differences of strengths mean anything."""
    apart = np.subtract(one, np.mean(one)) - np.subtract(other, np.mean(other))
    return float(np.max(np.abs(apart)))


def table_of(claims: Sequence[Claim]) -> Table:
    """What is asked beside what came."""
    table = Table(Column("", no_wrap=True), "asked", "measured", "holds", box=SIMPLE_HEAD)
    table.title, table.title_justify = "What is asked, in this run", "left"
    for claim in claims:
        table.add_row(
            claim.what, claim.asked, claim.measured, {True: "yes", False: "[bold]no[/bold]", None: ""}[claim.holds]
        )
    return table


def machine() -> str:
    """What ran this, and what else it had to do: figures of one machine say little about another."""
    loads = "/".join(f"{load:.1f}" for load in os.getloadavg())
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({processor()}), {system}; load before: {loads}"


def processor() -> str:
    """Its name, as the kernel has it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unnamed")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def report(groups: Sequence[Group], claims: Sequence[Claim], versions: dict[str, str]) -> dict[str, Any]:
    """All that was measured, for programs."""
    return {
        "machine": machine(),
        "versions": versions,
        "groups": [{"title": g.title, "contestants": [r.summary() for r in g.records]} for g in groups],
        "claims": [vars(claim) for claim in claims],
    }


if __name__ == "__main__":
    main()
