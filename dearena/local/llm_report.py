"""What single judge calls say of a judge: how many of its verdicts can be read, and which seat they prefer. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.table import Table

from dearena.cli import columns, words
from dearena.v1 import common_pb2
from dearena.v1.judge_dispatcher_pb2 import Comparison

LEAST_READABLE: Final = 0.9
"""Share of a real model's verdicts; below it, the server or the schema does not do what is asked of it."""

_SEATS: Final[Mapping[int, str]] = {
    common_pb2.SEAT_VERDICT_FIRST: "first",
    common_pb2.SEAT_VERDICT_SECOND: "second",
    common_pb2.SEAT_VERDICT_TIE: "tie",
    common_pb2.SEAT_VERDICT_UNREADABLE: "unreadable",
}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge said in its calls, each a seat order of a cell; canaries too.

    Attributes:
        first, second, tie: readable verdicts.
        unreadable: replies without one.
        missing: calls without a reply.
        tokens: of all replies.
        seconds: of all calls, from the gateway's sending to the end of the reply.
    """

    first: int = 0
    second: int = 0
    tie: int = 0
    unreadable: int = 0
    missing: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def readable(self) -> int:
        """Verdicts that could be read."""
        return self.first + self.second + self.tie

    @property
    def calls(self) -> int:
        """Calls made, whatever came of them."""
        return self.readable + self.unreadable + self.missing

    @property
    def share_readable(self) -> float | None:
        """Of all calls; None without any."""
        return self.readable / self.calls if self.calls else None

    @property
    def share_first(self) -> float | None:
        """Verdicts for the answer shown first, of those for either; None without any."""
        decided = self.first + self.second
        return self.first / decided if decided else None


def verdicts_of(comparisons: Iterable[Comparison]) -> dict[str, Verdicts]:
    """By judge, model revision; a cell for which no call was made counts nothing."""
    found: dict[str, Verdicts] = defaultdict(Verdicts)
    for comparison in comparisons:
        for seat in comparison.seats:
            judge = comparison.cell.judge
            said = _SEATS.get(seat.verdict, "missing")
            so_far = found[judge]
            found[judge] = replace(
                so_far,
                **{said: getattr(so_far, said) + 1},
                tokens=so_far.tokens + seat.usage.output_tokens,
                seconds=so_far.seconds + seat.latency.ToMilliseconds() / 1000,
            )
    return dict(found)


def table(said: Mapping[str, Verdicts]) -> Table:
    """A row a judge."""
    rows = list(said.values())
    shown = {
        "judge": list(said),
        "calls": [f"{row.calls:,}" for row in rows],
        "readable": [_share(row.share_readable) for row in rows],
        "first": [str(row.first) for row in rows],
        "second": [str(row.second) for row in rows],
        "tie": [str(row.tie) for row in rows],
        "first seat": [_share(row.share_first) for row in rows],
        "tokens a reply": [f"{row.tokens / row.calls:.0f}" if row.calls else "" for row in rows],
        "seconds a call": [f"{row.seconds / row.calls:.1f}" if row.calls else "" for row in rows],
    }
    return columns.table(shown, left=("judge",))


def summary(said: Mapping[str, Verdicts]) -> dict[str, Any]:
    """The same for programs."""
    return {
        judge: {
            "calls": row.calls,
            "share_readable": row.share_readable,
            "share_first": row.share_first,
            "first": row.first,
            "second": row.second,
            "tie": row.tie,
            "unreadable": row.unreadable,
            "missing": row.missing,
            "tokens": row.tokens,
            "seconds": round(row.seconds, 1),
        }
        for judge, row in said.items()
    }


def _share(value: float | None) -> str:
    return "" if value is None else words.percent(value)
