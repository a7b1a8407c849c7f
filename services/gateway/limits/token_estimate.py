"""How many tokens a call will use, before it is made. Pure.

Only for the tokens that a call takes out of its minute beforehand; the reply's true usage corrects it. So what
counts is that the mean is right: the length of past replies, and until there are some the most a reply may have.
"""

from collections.abc import Sequence
from typing import Final

from services.gateway.chat import BYTES_PER_TOKEN, Message, Parameters

MEMORY: Final = 0.05
"""Weight of the newest reply in the running mean: about the last twenty count."""
UNBOUNDED_REPLY_TOKENS: Final = 1024
"""When the parameters bound nothing."""


def input_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a prompt."""
    return sum(len(message.content.encode()) for message in messages) // BYTES_PER_TOKEN + 1


def most_output_tokens(parameters: Parameters) -> int:
    """As many as the parameters allow."""
    bounds = [parameters.get(name) for name in ("max_completion_tokens", "max_tokens")]
    given = [int(bound) for bound in bounds if isinstance(bound, int | float) and bound > 0]
    return min(given, default=UNBOUNDED_REPLY_TOKENS)


class ReplyLengths:
    """Running mean of the tokens of one model's replies to one kind of call."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def expected(self, parameters: Parameters) -> float:
        """Of the next reply."""
        most = float(most_output_tokens(parameters))
        return most if self._mean is None else min(self._mean, most)

    def learn(self, output_tokens: int) -> None:
        """One reply more."""
        known = float(output_tokens) if self._mean is None else self._mean
        self._mean = known + MEMORY * (output_tokens - known)
