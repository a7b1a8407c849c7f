"""What a watcher of insertions is shown: where each newcomer is now, and what happened last. Pure."""

from collections import deque
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table

from dearena.cli import words
from dearena.v1 import ranker_pb2

SHOWN_EVENTS: Final = 10
SHOWN_AT_REST: Final = 5
"""Insertions that have ended, of which the latest stay on the screen."""
BAR_WIDTH: Final = 24

ENDED: Final = (ranker_pb2.INSERTION_PHASE_SETTLED, ranker_pb2.INSERTION_PHASE_WITHDRAWN)


class Progress:
    """The latest of every insertion seen."""

    def __init__(self) -> None:
        self._insertions: dict[str, ranker_pb2.Insertion] = {}
        self._events: deque[str] = deque(maxlen=SHOWN_EVENTS)

    def take(self, step: ranker_pb2.WatchInsertionResponse) -> None:
        """A further step."""
        # Moved to the end: the last to have moved stands last.
        self._insertions.pop(step.insertion.model, None)
        self._insertions[step.insertion.model] = step.insertion
        if step.why:
            self._events.append(f"{step.insertion.model}: {step.why}")

    def rendered(self) -> RenderableType:
        """A screenful."""
        at_rest = [one for one in self._insertions.values() if one.phase in ENDED][-SHOWN_AT_REST:]
        moving = [one for one in self._insertions.values() if one.phase not in ENDED]
        table = Table(box=None, pad_edge=False)
        for heading in ("model", "phase", "where", "cells", "", "judge calls", "cost", "waits for"):
            table.add_column(heading, justify="right" if heading in ("cells", "judge calls", "cost") else "left")
        for insertion in (*at_rest, *moving):
            table.add_row(
                insertion.model,
                words.phase(insertion),
                words.places(insertion),
                f"{insertion.cells_done:,}/{insertion.cells_total:,}" if insertion.cells_total else "",
                _bar(insertion),
                f"{insertion.judge_calls:,}",
                words.money(insertion.cost),
                insertion.waiting_reason,
            )
        return Group(table, "", *self._events)


def _bar(insertion: ranker_pb2.Insertion) -> RenderableType:
    if not insertion.cells_total or insertion.phase in ENDED:
        return ""
    return ProgressBar(total=insertion.cells_total, completed=insertion.cells_done, width=BAR_WIDTH)


def line(step: ranker_pb2.WatchInsertionResponse) -> str:
    """A step on one line, for where there is no screen."""
    insertion = step.insertion
    cells = f"{insertion.cells_done:,}/{insertion.cells_total:,} cells" if insertion.cells_total else ""
    calls = f"{insertion.judge_calls:,} calls" if insertion.judge_calls else ""
    cost = words.money(insertion.cost) if insertion.cost.nano_units else ""
    return words.joined(
        [
            f"{insertion.model} {words.phase(insertion)}",
            words.places(insertion),
            cells,
            calls,
            cost,
            insertion.waiting_reason,
            step.why,
        ]
    )
