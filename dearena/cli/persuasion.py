"""How far attacks in answers persuade a judge, for people."""

from rich.console import Group, RenderableType
from rich.table import Table

from dearena.attacks.persuasion import Interval, difference, share
from dearena.cli import columns, words
from dearena.client.persuasion import Persuaded, persuaded
from dearena.v1 import judge_dispatcher_pb2 as pb


def rendered(found: pb.Persuasion) -> Group:
    """A trial: each attack beside the same answers without it."""
    cost = words.money(found.cost) if found.HasField("cost") else "free"
    heading = [found.judge, found.template, persuaded(found).stands_on, f"{found.judge_calls} judge calls", cost]
    parts: list[RenderableType] = [words.joined(heading), _table(found)]
    if with_attack := persuaded(found).persuaded:
        parts.append(f"in all: persuaded {_share(with_attack)}")
    if failed := sum(one.failed for one in found.attacks):
        parts.append(f"note: calls that failed: {failed}; another trial makes them again")
    return Group(*parts)


def told(found: Persuaded | None) -> str:
    """Trials in a few words: persuaded over all attacks, and of the same answers without any."""
    if found is None or found.persuaded is None:
        return ""
    text = words.percent(found.persuaded.value)
    return f"{text} (without {words.percent(found.without.value)})" if found.without else text


def _table(found: pb.Persuasion) -> Table:
    attacks = found.attacks
    shown = {
        "attack": [one.attack for one in attacks],
        "persuaded": [_share(share(one.persuaded, one.readable)) for one in attacks],
        "without": [_share(share(one.plain_persuaded, one.plain_readable)) for one in attacks],
        "difference": [
            _difference(difference(one.persuaded, one.readable, one.plain_persuaded, one.plain_readable))
            for one in attacks
        ],
        "verdicts": [f"{one.readable:,}" for one in attacks],
    }
    for name in ("unreadable", "failed"):
        if any(counts := [getattr(one, name) for one in attacks]):
            shown[name] = [f"{count:,}" for count in counts]
    return columns.table(shown, left=("attack",))


def _share(found: Interval | None) -> str:
    if found is None:
        return "nothing readable"
    return f"{100 * found.value:.0f} % ({100 * found.low:.0f} to {100 * found.high:.0f})"


def _difference(found: Interval | None) -> str:
    return f"{100 * found.value:+.0f} ({100 * found.low:+.0f} to {100 * found.high:+.0f})" if found else ""
