"""What stands between a call and its endpoint, as the one who sends sees it. Pure."""

import asyncio
from typing import Protocol

from services.gateway.chat import Reply
from services.gateway.failures import Failure


class Gate(Protocol):
    """One call's passage: it has leave for its first HTTP request when it is handed out."""

    def remaining(self) -> float:
        """Seconds left of the call's total deadline, which bounds HTTP requests and the pauses between them."""

    def ended(self, result: Reply | Failure, retry_after: float | None) -> None:
        """An HTTP request ended so; `retry_after` in seconds, if the endpoint asked for patience."""

    async def again(self, pause: float) -> bool:
        """Wait for leave to send once more, `pause` seconds at least.

        Returns:
            False when there is none: the deadline would pass, or the endpoint is left alone. What the last
            request brought then stands.
        """


class OpenGate:
    """No limits but a deadline that never comes."""

    def remaining(self) -> float:
        """Any length of time."""
        return float("inf")

    def ended(self, result: Reply | Failure, retry_after: float | None) -> None:
        """Nothing is learnt."""

    async def again(self, pause: float) -> bool:
        """Only the pause."""
        await asyncio.sleep(pause)
        return True
