"""Whether an endpoint is still what it was: the same few prompts again and again, and what differs. Pure.

Hosts change weights, quantisation or system prompts behind one name. Replies at temperature 0 are not always the same
even so, by the order of floating-point sums in a batch, so the first two probes of a revision tell how steady the
endpoint is by itself: what differs between them counts for nothing later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dearena import identity
from dearena.names import Revision
from services.gateway.chat import Parameters, Reply

PROMPTS: Final = (
    "Write the first ten prime numbers, separated by commas, and nothing else.",
    "Complete the sentence with a few words: The old lighthouse keeper opened the door and",
    "Translate into French, and write the translation only: The cat that I saw yesterday was sleeping.",
    "Name one cause of the fall of the Western Roman Empire in one sentence.",
)
"""One with a single right reply and three whose wording is the model's own. Other prompts make other baselines."""
PARAMETERS: Final[Parameters] = {"temperature": 0.0, "seed": 7, "max_tokens": 32}
"""Wording differs within few tokens, if it does."""
BASELINE: Final = 2
"""Probes that tell how steady an endpoint is."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the prompts brought, once."""

    model: Revision
    number: int
    """Counts up from 1 for a revision."""
    time: datetime
    upstream_model: str
    system_fingerprint: str
    served_by: str
    reply_hashes: tuple[str, ...]
    """In the order of PROMPTS; empty for one without a reply."""
    drift: str = ""
    """What differs from the baseline; empty: nothing."""


def observe(model: Revision, number: int, time: datetime, replies: Sequence[Reply | None]) -> Probe:
    """A probe by its replies, in the order of PROMPTS; where replies name several models, all are noted."""

    def named(field: str) -> str:
        found = {getattr(reply, field) for reply in replies if reply is not None} - {""}
        # Shown on terminals, and by the endpoint's own words.
        return "".join(char if char.isprintable() else "?" for char in ", ".join(sorted(found)))

    return Probe(
        model,
        number,
        time,
        named("upstream_model"),
        named("system_fingerprint"),
        named("served_by"),
        tuple("" if reply is None else identity.digest_of([reply.reasoning, reply.text]) for reply in replies),
    )


def drift(baseline: Sequence[Probe], probe: Probe) -> str:
    """What differs between a probe and its baseline, beyond what differs within that.

    Args:
        baseline: the first BASELINE probes that brought a reply; with fewer there is nothing to differ from.
        probe: a later one.

    Returns:
        For a person; empty when nothing differs.
    """
    if len(baseline) < BASELINE:
        return ""
    changes = [
        f"{what} {before} is now {after}"
        for what, before, after in (
            ("model id", _steady(earlier.upstream_model for earlier in baseline), probe.upstream_model),
            ("fingerprint", _steady(earlier.system_fingerprint for earlier in baseline), probe.system_fingerprint),
        )
        if before and after and before != after
    ]
    steady = [_steady(hashes) for hashes in zip(*(earlier.reply_hashes for earlier in baseline), strict=True)]
    compared = [(before, after) for before, after in zip(steady, probe.reply_hashes, strict=True) if before and after]
    if differing := sum(before != after for before, after in compared):
        changes.append(f"{differing} of {len(compared)} replies differ that were the same twice")
    return "; ".join(changes)


def _steady(values: Iterable[str]) -> str:
    """The one value there is; empty when there are several."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
