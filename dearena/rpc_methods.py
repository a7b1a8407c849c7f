"""What the name of a gRPC method says of it."""

from typing import Final

_READS: Final = ("Get", "List", "Diff", "Explain", "Summarize", "Score", "Preview")
"""How the names of calls begin that change nothing."""


def reads(method: str) -> bool:
    """Whether a method, by its own name without that of its service, changes nothing and may be called again."""
    return method.startswith(_READS)
