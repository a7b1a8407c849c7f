"""`dearena refine`: more judge calls on the whole board, where they tell most."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer

from dearena.cli import output
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.client.streams import resumed
from dearena.plain import plain
from dearena.v1 import ranker_pb2

MAX_INT64: Final = 2**63 - 1
LOOK_AGAIN_SECONDS: Final = 0.5
"""Between looks at a refinement."""


@dataclass(frozen=True, slots=True)
class Step:
    """A refinement as it is after a decision.

    Attributes:
        decision: its number in the log; of what is waited for, that of the last one.
        why: what has happened, or what is waited for.
        calls_left: of all that is ordered; None until this order has been taken up.
    """

    decision: int
    why: str
    calls_left: int | None = None


def refine(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    calls: Annotated[int, typer.Option("--calls", min=1, max=MAX_INT64, help="Judge calls to spend, at most.")],
    follow: Annotated[bool, typer.Option("--follow", help="Wait until they are spent, and show each round.")] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Order more judge calls on the whole board.

    They are spent between insertions, where they tell most.
    """

    async def body(client: ArenaClient) -> None:
        after, left = await _so_far(client, dimension) if follow else (0, 0)
        await client.refine_ranking(dimension, calls)
        if as_json:
            output.show_json({"dimension": dimension, "calls": calls})
        else:
            output.show(f"{calls:,} judge calls are ordered for {dimension}; they are spent between insertions")
        if follow:
            async for step in resumed(
                Follower(client, dimension, calls, left).steps, after, lambda step: step.decision
            ):
                if as_json:
                    output.show_json(asdict(step))
                else:
                    output.console().print(_line(step), soft_wrap=True)

    run(body, project=project)


async def _so_far(client: ArenaClient, dimension: str) -> tuple[int, int]:
    """Number of the newest decision, and judge calls left of earlier orders.

    What comes before the last closed round need not be read for it.
    """
    last = (await client.ranking(dimension)).last_closed_round
    number = (await client.round(dimension)).closed_by_decision if last else 0
    async for decision in client.decisions(dimension, after=number):
        number = decision.number
    return number, (await client.ranking(dimension)).refinement_calls_left


class Follower:
    """Looks at the log until an order that was just given is spent; looks that break off may be begun again.

    Orders add up to one refinement, and the log does not say whose they are: the first of as many calls is ours.
    """

    def __init__(self, client: ArenaClient, dimension: str, calls: int, left: int) -> None:
        self._client = client
        self._dimension = dimension
        self._calls = calls
        self._left = left
        self._read = 0
        self._is_taken_up = False
        self._rounds: set[int] = set()
        self._waits_for = ""

    async def steps(self, after: int) -> AsyncIterator[Step]:
        """What happens to it beyond a decision, until nothing is left of it."""
        # Of what was read before a break nothing is counted again.
        after = max(after, self._read)
        ended = False
        while True:
            async for decision in self._client.decisions(self._dimension, after=after):
                after = self._read = decision.number
                if why := self._told(decision):
                    yield Step(after, why, self._left if self._is_taken_up else None)
            ranking = await self._client.ranking(self._dimension)
            waits_for = self._waiting(ranking)
            if waits_for and waits_for != self._waits_for:
                yield Step(after, waits_for, self._left if self._is_taken_up else None)
            self._waits_for = waits_for
            if ended:
                return
            # Its last round may have closed since the log was read: that is told too.
            ended = self._is_taken_up and not ranking.refinement_calls_left
            if not ended:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _told(self, decision: ranker_pb2.Decision) -> str:
        content = plain(decision.content)
        match decision.kind:
            case ranker_pb2.DECISION_KIND_REFINEMENT_ORDERED:
                self._left += content["calls"]
                if not self._is_taken_up and content["calls"] == self._calls:
                    self._is_taken_up = True
                    return "is taken up"
            case ranker_pb2.DECISION_KIND_DIMENSION_REVISED if self._is_taken_up:
                self._left = 0
                return f"is dropped: version {content['version']} of the dimension is ranked anew"
            case ranker_pb2.DECISION_KIND_ROUND_OPENED if content.get("refines"):
                self._rounds.add(decision.round)
                return f"round {decision.round} asks {content['cells']:,} cells"
            case ranker_pb2.DECISION_KIND_ROUND_CLOSED if decision.round in self._rounds:
                # A round that could ask nothing ends it, whatever is left.
                self._left = max(0, self._left - content["calls"]) if content["calls"] else 0
                return f"round {decision.round} is closed"
        return ""

    def _waiting(self, ranking: ranker_pb2.Ranking) -> str:
        if ranking.newcomers:
            return f"waits for the places of {', '.join(ranking.newcomers)}"
        return ranking.waiting_reason if self._is_taken_up and ranking.refinement_calls_left else ""


def _line(step: Step) -> str:
    left = "" if step.calls_left is None else f" · {step.calls_left:,} calls left"
    return f"refinement {step.why}{left}"
