"""What a consumer of events is: its handler, and what the handler's end says of the message.

A handler may be rung twice, late, or not at all; it goes and looks at the truth.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dearena.v1.events_pb2 import EventEnvelope

SCHEMA_VERSION = 1
"""Of the events that are sent and understood here."""
MAX_DELIVERIES = 5
"""A message whose handler fails for reasons unknown goes to the dead letters after so many."""


class TryAgain(Exception):
    """Deliver the message again after a delay."""

    def __init__(self, delay_seconds: float) -> None:
        super().__init__(f"again in {delay_seconds:.1f} s")
        self.delay_seconds = delay_seconds


class Poison(Exception):
    """The message can never be taken; it goes to the dead letters with this reason.

    With a key, messages of other ids but the same key make one dead letter, within the stream's duplicate window.
    """

    def __init__(self, reason: str, *, key: str = "") -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a message came."""

    subject: str
    count: int
    """1 for the first time."""


Handler = Callable[[EventEnvelope, Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Doorbell:
    """A durable consumer and what is done when it rings.

    The handler returns: the message is done. It raises TryAgain, a fault of passing nature
    (UNAVAILABLE, ABORTED), or the time runs out: delivered again. It raises Poison: to the dead letters.
    Anything else: delivered again, and to the dead letters after MAX_DELIVERIES. It is cancelled:
    the message comes again, at once where that was at a stop, else when its lease ends.
    """

    durable: str
    stream: str
    handler: Handler
    workers: int = 1
