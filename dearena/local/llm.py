"""Real models on a real server: `make run-llm` lets two very small ones answer and judge beside sparring models.

What it shows is that nothing of the arena knows who is at the other end of an endpoint: llama.cpp's own server,
real weights, verdicts by JSON schema. How well such models judge is told as it is found.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from dearena.cli import judges, output, persuasion, words
from dearena.cli.leaderboard import rendered
from dearena.client import ArenaClient
from dearena.client.persuasion import by_judge
from dearena.faults import ServiceUnavailable
from dearena.local import following, llm_report, llm_servers, passing, stack
from dearena.local.cli import leave
from dearena.local.interrupts import INTERRUPTED
from dearena.local.llm_report import Verdicts
from dearena.local.options import AsJson, DeadlineSeconds, StateDir
from dearena.local.real_models import REAL_MODELS, SPARRING, questions, registered, sparring
from dearena.local.stack import Stack
from dearena.names import Revision
from dearena.plain import plain
from dearena.v1 import gateway_pb2, query_selector_pb2, scorer_pb2
from dearena.v1.judge_dispatcher_pb2 import Persuasion

DIMENSION: Final = "facts"
WORLD: Final = "planted"
WORLD_SEED: Final = 0
RANKING: Final = query_selector_pb2.RankingSettings(
    jury="sequential",
    # A real model takes seconds a call: pairs are left undecided soon, and at a larger error.
    seed_models=4,
    cap=4,
    error=0.2,
    most_rounds=8,
)
DEADLINE_SECONDS: Final = 1800.0

ATTACKS: Final = ("order-to-the-judge", "fake-system", "authority")
"""Of the corpus: short ones, for a real model takes seconds of a core to read a prompt and reply. With one question
24 calls a judge."""
ATTACKED_QUESTIONS: Final = 1
TRIAL_SECONDS: Final = 300.0
"""Beyond it a trial is not waited for."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """What came out.

    Attributes:
        said: by judge, what its single calls gave.
        usable: by model revision, how many of its answers came to their end, with words in them.
        tried: by judge, how far attacks in answers persuaded each real model.
        seconds: to start everything, to answer and rank, and to try attacks.
    """

    board: scorer_pb2.Board
    report: scorer_pb2.GetJudgeReportResponse
    said: Mapping[str, Verdicts]
    usable: Mapping[str, int]
    tried: Mapping[str, Persuasion]
    seconds: Mapping[str, float]


def main(
    *,
    llm_python: Annotated[
        Path, typer.Option(help="Python of the environment with the server and the weights.")
    ] = llm_servers.PYTHON,
    state_dir: StateDir = None,
    deadline_seconds: DeadlineSeconds = DEADLINE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Rank two real models among sparring models, and print the board and what each judge said."""
    leave(_rank(llm_python, state_dir, deadline_seconds=deadline_seconds, as_json=as_json), interrupted=INTERRUPTED)


async def _rank(llm_python: Path, state_dir: Path | None, *, deadline_seconds: float, as_json: bool) -> None:
    screen = output.console()
    screen.quiet = as_json
    begin = time.monotonic()
    with passing.state("dearena-llm-", instead=state_dir) as state:
        async with (
            stack.running(
                state,
                fresh=True,
                worlds={WORLD: {"kind": "planted", "seed": WORLD_SEED}},
                said=lambda message: screen.print(f"{message} …"),
            ) as running,
            llm_servers.serving([model.slug for model in REAL_MODELS], running.state / "logs", llm_python) as urls,
        ):
            started = time.monotonic() - begin
            async with following.in_time(deadline_seconds):
                ranked = await rank(running, urls, screen, started)
            if as_json:
                output.show_json(summary(ranked))
            else:
                screen.print(*told(ranked), sep="\n")


async def rank(running: Stack, urls: Mapping[str, str], screen: Console, started: float = 0.0) -> Ranked:
    """Make the dimension, register all models, follow until all have their places, and read what was said.

    Args:
        urls: base URL by the slug of a real model.
        started: seconds that it took to get so far, to be told.

    Raises:
        NotRanked: a model will not have a place.
    """
    begin = time.monotonic()
    async with ArenaClient(running.addresses) as client:
        dimension = query_selector_pb2.Dimension(
            name=client.dimension_name(DIMENSION),
            selection=query_selector_pb2.Selection(k=len(questions())),
            ranking=RANKING,
        )
        await client.create_dimension(dimension, questions())
        planted_url = f"{running.endpoints.sparring_url}/{WORLD}/v1"
        # Real models first: who is ranked first of all judges all who come later.
        entrants = [registered(model, client.model_name(model.slug), urls[model.slug]) for model in REAL_MODELS]
        entrants += [sparring(slug, client.model_name(slug), planted_url) for slug in SPARRING]
        revisions = [await _register(client, model) for model in entrants]
        screen.print(f"{len(revisions)} models and {len(questions())} questions are there")
        async with following.shown(screen, [DIMENSION]) as seen:
            board = await following.until_ranked(client, DIMENSION, revisions, seen)
        took = time.monotonic() - begin
        asked = [vote.cell_id async for vote in client.votes(DIMENSION) if vote.judge_calls]
        said = llm_report.verdicts_of([await client.comparison(DIMENSION, cell) for cell in asked])
        report = await client.judge_report(DIMENSION)
        usable = {one.model: one.answers_usable for one in await client.entrants(DIMENSION)}
        screen.print("trying attacks on the real models …")
        begin = time.monotonic()
        tried = await _tried(client, [judge for judge in revisions if _is_real(judge)])
        attacked = time.monotonic() - begin
    ordered = {row.model: said.get(row.model, Verdicts()) for row in board.rows}
    seconds = {"start": started, "ranking": took, "attacks": attacked}
    return Ranked(board, report, ordered, usable, tried, seconds)


async def _tried(client: ArenaClient, judges_: Sequence[str]) -> dict[str, Persuasion]:
    """Trials by judge; of one that is not over in time, on a machine that has much else to do, there is none."""

    async def one(judge: str) -> Persuasion | None:
        try:
            return await client.try_attacks(
                DIMENSION, judge, ATTACKS, questions=ATTACKED_QUESTIONS, wait_seconds=TRIAL_SECONDS
            )
        except ServiceUnavailable:
            return None

    found = await asyncio.gather(*map(one, judges_))
    return {trial.judge: trial for trial in found if trial is not None}


async def _register(client: ArenaClient, model: gateway_pb2.Model) -> str:
    found = await client.register_model(model)
    return f"{words.slug(found.name)}@{found.revision}"


def real(ranked: Ranked) -> dict[str, Verdicts]:
    """What the real models' own calls gave."""
    return {judge: said for judge, said in ranked.said.items() if _is_real(judge)}


def _is_real(judge: str) -> bool:
    return Revision.parse(judge).slug in {model.slug for model in REAL_MODELS}


def summary(ranked: Ranked) -> dict[str, Any]:
    """What came out, for programs."""
    return {
        "ranking": [row.model for row in ranked.board.rows],
        "board_digest": ranked.board.board_digest,
        "judge_calls": sum(said.calls for said in ranked.said.values()),
        "judges": llm_report.summary(ranked.said),
        "real_models": sorted(real(ranked)),
        "least_readable": llm_report.LEAST_READABLE,
        "usable_answers": dict(ranked.usable),
        "attacks": [plain(one) for one in ranked.tried.values()],
        "seconds": {name: round(value, 1) for name, value in ranked.seconds.items()},
    }


def told(ranked: Ranked) -> list[Any]:
    """What came out, for people."""
    report = judges.rendered(DIMENSION, ranked.report, by_judge(ranked.tried.values()))
    lines: list[Any] = ["", rendered(ranked.board), "", report, ""]
    lines += ["what each judge said, call by call, canaries too", llm_report.table(ranked.said), ""]
    for judge, said in real(ranked).items():
        share = said.share_readable
        if share is not None and share < llm_report.LEAST_READABLE:
            lines.append(f"note: {judge} could be read in {words.percent(share)} of its calls only")
    lines.append("how far attacks in answers persuade the real models")
    lines += [part for one in ranked.tried.values() for part in (persuasion.rendered(one), "")]
    late = real(ranked).keys() - ranked.tried.keys()
    lines += [f"note: the trial of {judge} was not over within {TRIAL_SECONDS:.0f} s" for judge in sorted(late)]
    of = len(questions())
    usable = ", ".join(f"{judge} {ranked.usable.get(judge, 0)} of {of}" for judge in real(ranked))
    calls, by_real = (sum(one.calls for one in some.values()) for some in (ranked.said, real(ranked)))
    start, ranking, attacks = (ranked.seconds[name] for name in ("start", "ranking", "attacks"))
    lines += [
        f"usable answers of the real models: {usable}",
        f"judge calls: {calls:,}, of them by real models: {by_real:,}",
        f"wall time: {start:.0f} s to start, {ranking:.0f} s to answer and rank, {attacks:.0f} s to try attacks",
    ]
    return lines


if __name__ == "__main__":
    typer.run(main)
