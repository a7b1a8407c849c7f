"""Recorded votes of real models, replayed through the whole system: `make replay DATA=… DIMENSION=…`.

The arena asks recorded models over HTTP as it asks real ones, and finds its ranking from the votes it
chooses to ask for. Beside its board stands a fit of all votes there are.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from scipy import stats

from dearena.cli import output, words
from dearena.client import ArenaClient, Vote
from dearena.local import following, passing, recordings, reference_fit, stack
from dearena.local.cli import leave
from dearena.local.interrupts import INTERRUPTED
from dearena.local.options import AsJson, DeadlineSeconds, StateDir
from dearena.local.recordings import Recording
from dearena.local.stack import Stack
from dearena.names import Revision, slug_of
from dearena.v1 import gateway_pb2, query_selector_pb2, scorer_pb2

WORLD: Final = "recorded"
CONCURRENCY: Final = 16
RATING_PER_LOG_ODDS: Final = 400 / math.log(10)
"""As in the contract of the scorer."""
DEADLINE_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came out of one dimension."""

    recording: Recording
    board: scorer_pb2.Board
    reference: Mapping[str, float]
    """Strength by slug in the fit of all recorded votes."""
    asked: int
    """Recorded votes that the arena asked for and counted."""
    seconds: float

    @property
    def spearman(self) -> float:
        """Rank correlation of the board with the fit of all votes."""
        strengths = {Revision.parse(row.model).slug: row.strength for row in self.board.rows}
        slugs = sorted(self.reference)
        pairs = [strengths[slug] for slug in slugs], [self.reference[slug] for slug in slugs]
        return float(stats.spearmanr(*pairs).statistic)

    @property
    def share_asked(self) -> float:
        """Of the recorded votes."""
        return self.asked / len(self.recording.votes)


def main(
    *,
    data: Annotated[Path, typer.Option(help="Folder of queries, answers and votes.")],
    dimension: Annotated[str, typer.Option(help="One of the folder's dimensions, or several set apart by commas.")],
    state_dir: StateDir = None,
    deadline_seconds: DeadlineSeconds = DEADLINE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Run the models that answered enough of a dimension through the arena, and compare with all their votes."""
    try:
        recorded = [recordings.read(data, name) for name in dimension.split(",")]
    except recordings.UnusableRecording as error:
        output.error(str(error))
        raise typer.Exit(1) from error
    leave(
        _replay(data, recorded, state_dir, deadline_seconds=deadline_seconds, as_json=as_json), interrupted=INTERRUPTED
    )


async def _replay(
    data: Path, recorded: Sequence[Recording], state_dir: Path | None, *, deadline_seconds: float, as_json: bool
) -> None:
    screen = output.console()
    screen.quiet = as_json
    worlds = {WORLD: {"kind": "recorded", "folder": str(data)}}
    with passing.state("dearena-replay-", instead=state_dir) as state:
        async with stack.running(
            state,
            fresh=True,
            worlds=worlds,
            said=lambda message: screen.print(f"{message} …"),
        ) as running:
            replayed = []
            for recording in recorded:
                async with following.in_time(deadline_seconds, recording.dimension):
                    replayed.append(await replay(running, recording, screen))
                if not as_json:
                    screen.print(*told(replayed[-1]), sep="\n")
            if as_json:
                output.show_json({one.recording.dimension: summary(one) for one in replayed})


async def replay(running: Stack, recording: Recording, screen: Console) -> Replayed:
    """Rank a recording's models, in a project of their own.

    Raises:
        NotRanked: a model will not have a place.
    """
    begin = time.monotonic()
    slug = slug_of(recording.dimension)
    slugs = {slug_of(model): model for model in recording.models}
    async with ArenaClient(running.addresses, project=f"replay-{slug}") as client:
        dimension = query_selector_pb2.Dimension(
            name=client.dimension_name(slug),
            display_name=recording.dimension,
            selection=query_selector_pb2.Selection(k=len(recording.questions)),
            # All of the recorded votes that a ranking can use: it is compared with the fit of them all.
            ranking=query_selector_pb2.RankingSettings(jury="exhaustive"),
        )
        await client.create_dimension(dimension, recording.questions)
        revisions = await _register(client, slugs, f"{running.endpoints.sparring_url}/{WORLD}/v1")
        screen.print(f"{len(revisions)} models, {len(recording.questions)} queries, {len(recording.votes):,} votes")
        async with following.shown(screen, [slug]) as seen:
            board = await following.until_ranked(client, slug, revisions, seen)
        cast = [vote async for vote in client.votes(slug)]
    votes = [(slug_of(vote.model_a), slug_of(vote.model_b), vote.share_a) for vote in recording.votes]
    fit = reference_fit.strengths(sorted(slugs), votes)
    return Replayed(
        recording,
        board,
        dict(zip(sorted(slugs), map(float, fit), strict=True)),
        count_asked(recording, cast),
        time.monotonic() - begin,
    )


async def _register(client: ArenaClient, slugs: Mapping[str, str], base_url: str) -> list[str]:
    revisions = []
    for slug in sorted(slugs):
        model = gateway_pb2.Model(
            name=client.model_name(slug),
            display_name=slugs[slug],
            endpoint=gateway_pb2.Endpoint(base_url=base_url, upstream_model=slugs[slug], sparring=True),
            concurrency=CONCURRENCY,
            cohort="replay",
        )
        revisions.append(f"{slug}@{(await client.register_model(model)).revision}")
    return revisions


def count_asked(recording: Recording, cast: Sequence[Vote]) -> int:
    """How many of the recorded votes the arena has asked for: cells with a verdict, each counted once."""
    asked = {
        (vote.query_id, Revision.parse(vote.judge).slug, _pair(vote.model_a, vote.model_b))
        for vote in cast
        if vote.winner is not None
    }
    recorded = {
        (vote.query_id, slug_of(vote.judge), frozenset({slug_of(vote.model_a), slug_of(vote.model_b)}))
        for vote in recording.votes
    }
    return len(asked & recorded)


def _pair(model_a: str, model_b: str) -> frozenset[str]:
    return frozenset({Revision.parse(model_a).slug, Revision.parse(model_b).slug})


def summary(one: Replayed) -> dict[str, Any]:
    """What came out, for programs."""
    return {
        "spearman": one.spearman,
        "share_asked": one.share_asked,
        "votes_recorded": len(one.recording.votes),
        "votes_asked": one.asked,
        "judge_calls": one.board.judge_calls,
        "board_digest": one.board.board_digest,
        "ranking": [Revision.parse(row.model).slug for row in one.board.rows],
        "reference": sorted(one.reference, key=lambda slug: -one.reference[slug]),
        "seconds": round(one.seconds, 1),
    }


def told(one: Replayed) -> list[Any]:
    """What came out, for people."""
    table = Table(box=None, pad_edge=False)
    for heading in ("rank", "model", "rating", "95 % interval", "rank by all votes", "rating by all votes"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    by_all = sorted(one.reference, key=lambda slug: -one.reference[slug])
    for row in one.board.rows:
        slug = Revision.parse(row.model).slug
        table.add_row(
            str(row.rank),
            slug,
            f"{row.rating:.0f}",
            f"{row.rating_low:.0f} to {row.rating_high:.0f}",
            str(by_all.index(slug) + 1),
            f"{1000 + RATING_PER_LOG_ODDS * one.reference[slug]:.0f}",
        )
    return [
        "",
        f"{one.recording.dimension}: the arena's board beside a Bradley-Terry fit of all recorded votes",
        table,
        f"Spearman of the two: {one.spearman:.3f}",
        f"recorded votes asked: {one.asked:,} of {len(one.recording.votes):,} ({one.share_asked:.0%})",
        f"outcomes: {words.outcomes(one.board.outcomes)}",
        f"judge calls: {one.board.judge_calls:,}; wall time: {one.seconds:.0f} s",
        "",
    ]


if __name__ == "__main__":
    typer.run(main)
