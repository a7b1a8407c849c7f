"""What a judge said: one reply read as a verdict, or found unreadable. Pure.

Only the last line that is not empty counts, and only in the form that the prompt asked for, with the
call's own nonce. There is no guessing: a reply that ends otherwise is unreadable, never a tie.
"""

import re
from dataclasses import dataclass

from dearena.outcomes import SeatVerdict


@dataclass(frozen=True, slots=True)
class Reading:
    """A verdict; `problem` says why it is unreadable and is empty otherwise."""

    verdict: SeatVerdict
    problem: str = ""


# ASCII: without it, case folding would let a dotless i stand in TIE.
_VERDICT_LINE = re.compile(r"VERDICT ([0-9a-f]{16}): (1|2|TIE)", re.IGNORECASE | re.ASCII)
_WORDS = {"1": SeatVerdict.FIRST, "2": SeatVerdict.SECOND, "TIE": SeatVerdict.TIE}

# Reasoning models may think aloud in a block before they speak. Some chat templates put the opening
# tag into the prompt, so a reply can begin inside the block.
_THINKING_ENDS = "</think>"
_THINKING_BEGINS = re.compile(r"^[ \t]*<think>", re.MULTILINE)

CUT_OFF = "length"
"""The finish_reason of a reply that ran into its token limit."""


def read(reply: str, nonce: str, finish_reason: str = "") -> Reading:
    """Read one reply.

    Args:
        reply: the judge's whole reply.
        nonce: the verdict code of this very call.
        finish_reason: as the endpoint said it; only makes the problem clearer.
    """
    spoken = reply.rpartition(_THINKING_ENDS)[2]
    if _THINKING_BEGINS.search(spoken):
        return _unreadable("the reply ends inside its reasoning", finish_reason)
    line = spoken.rstrip().rpartition("\n")[2].strip()
    if not line:
        return _unreadable("the reply is empty", finish_reason)
    match = _VERDICT_LINE.fullmatch(line)
    if match is None:
        return _unreadable("the last line is not a verdict", finish_reason)
    if match[1].lower() != nonce:
        return _unreadable("the verdict does not carry the code of this call", finish_reason)
    return Reading(_WORDS[match[2].upper()])


def _unreadable(problem: str, finish_reason: str) -> Reading:
    if finish_reason == CUT_OFF:
        problem = f"{problem} (cut off at the token limit)"
    return Reading(SeatVerdict.UNREADABLE, problem)
