"""How the turns of a question, and the replies of an answer to them, are written out. Pure.

What stands between them says where one ends. For judges it carries the fence, so that no text can end its own turn
and go on as another; for people it does not, and only the parts themselves tell what was said when.
"""

from collections.abc import Sequence

Replies = tuple[str, ...]
"""An answer: a model's reply to each turn of a query."""


def question_text(turns: Sequence[str], fence: str) -> str:
    """One turn stands as it is; several are numbered by marker lines of their own."""
    if len(turns) == 1:
        return turns[0]
    return "\n".join(f"[TURN {number} {fence}]\n{turn}" for number, turn in enumerate(turns, start=1))


def answer_text(replies: Replies, fence: str = "") -> str:
    """One reply stands as it is; several are each headed by their turn, and by the fence where there is one."""
    if len(replies) == 1:
        return replies[0]
    guard = f" {fence}" if fence else ""
    return "\n\n".join(f"[Reply to turn {turn}{guard}]\n{reply}" for turn, reply in enumerate(replies, start=1))
