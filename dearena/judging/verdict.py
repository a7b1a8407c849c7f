"""What a judge said: one reply read as a verdict, or found unreadable. Pure.

Of an endpoint that was held to a schema the reply is read as JSON, by its members. Of any other only the last line
that is not empty counts, and only in the form that the prompt asked for. Both need the call's own nonce. There is
no guessing and no searching: a reply that says it otherwise is unreadable, never a tie. Nor is an echo a verdict: a
last line that stands in the reply just as it does in the prompt, below the same line, was copied.
"""

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dearena.judging.forms import PLAIN, Scale
from dearena.outcomes import SeatVerdict


@dataclass(frozen=True, slots=True)
class Reading:
    """A verdict; `problem` says why it is unreadable and is empty otherwise."""

    verdict: SeatVerdict
    problem: str = ""
    grade: int = 0
    """Of five steps, 1 to 5; 0 where there are no grades."""


# ASCII: without it, case folding would let a dotless i stand in TIE.
_VERDICT_LINE = re.compile(r"VERDICT ([0-9a-f]{16}): ([0-9A-Z<>=]{1,16})", re.IGNORECASE | re.ASCII)

# Reasoning models may think aloud in a block before they speak. Some chat templates put the opening
# tag into the prompt, so a reply can begin inside the block.
_THINKING_ENDS = "</think>"
_THINKING_BEGINS = re.compile(r"^[ \t]*<think>", re.MULTILINE)

CUT_OFF = "length"
"""The finish_reason of a reply that ran into its token limit."""

_MEMBERS = {"reasoning", "nonce", "verdict"}


def read(
    reply: str, nonce: str, finish_reason: str = "", *, structured: bool = False, scale: Scale = PLAIN, prompt: str = ""
) -> Reading:
    """Read one reply.

    Args:
        reply: the judge's whole reply, without what it thought as far as the endpoint tells the two apart.
        nonce: the verdict code of this very call.
        finish_reason: as the endpoint said it; only makes the problem clearer.
        structured: the endpoint was held to the schema of a verdict. Only then is JSON read.
        scale: whose words the prompt asked for.
        prompt: what the judge was sent, to tell its echo from a verdict.
    """
    reading = _of_members(reply, nonce, scale) if structured else None
    if reading is None:
        reading = _of_last_line(reply, nonce, scale, prompt)
    if reading.verdict is SeatVerdict.UNREADABLE and finish_reason == CUT_OFF:
        return _unreadable(f"{reading.problem} (cut off at the token limit)")
    return reading


class _Doubles(ValueError):
    """A member stands twice."""


def _of_members(reply: str, nonce: str, scale: Scale) -> Reading | None:
    """The verdict in an object; None when the reply is no JSON at all, and may have been written as a line."""
    try:
        said = json.loads(reply, object_pairs_hook=_without_doubles)
    except _Doubles:
        return _unreadable("a member of the JSON reply stands twice")
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.keys() != _MEMBERS or not isinstance(said["reasoning"], str):
        return _unreadable("the JSON reply is not by the schema of a verdict")
    if said["nonce"] != nonce:
        return _unreadable("the verdict does not carry the code of this call")
    word = said["verdict"]
    if not isinstance(word, str) or word not in scale.verdicts:
        return _unreadable("the JSON reply's verdict is none of the words asked for")
    return Reading(scale.verdicts[word], grade=scale.grade(word))


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Doubles
    return members


def _of_last_line(reply: str, nonce: str, scale: Scale, prompt: str) -> Reading:
    spoken = reply.rpartition(_THINKING_ENDS)[2]
    if _THINKING_BEGINS.search(spoken):
        return _unreadable("the reply ends inside its reasoning")
    before, _, last = spoken.rstrip().rpartition("\n")
    line = last.strip()
    if not line:
        return _unreadable("the reply is empty")
    match = _VERDICT_LINE.fullmatch(line)
    if match is None or (word := match[2].upper()) not in scale.verdicts:
        return _unreadable("the last line is not a verdict")
    if match[1].lower() != nonce:
        return _unreadable("the verdict does not carry the code of this call")
    if _is_copied(before, line, prompt):
        return _unreadable("the reply ends with a piece of the prompt")
    return Reading(scale.verdicts[word], grade=scale.grade(word))


def _is_copied(before: str, line: str, prompt: str) -> bool:
    """Whether the last line stands below the same line in the prompt."""
    above = before.rstrip().rpartition("\n")[2].strip()
    if not above or above not in prompt:
        return False
    lines = [one for one in map(str.strip, prompt.split("\n")) if one]
    return (above, line) in pairwise(lines)


def _unreadable(problem: str) -> Reading:
    return Reading(SeatVerdict.UNREADABLE, problem)
