"""How a sparring judge reads the arena's judging prompt, and how it writes its verdict.

The prompt fences question and answers with lines of their own, `[ANSWER 1 FENCE]` to
`[END ANSWER 1 FENCE]`, where FENCE is sixteen hexadecimal digits that no answer can foresee, and asks for a
last line `VERDICT NONCE: 1`, `2` or `TIE`, or for one of five grades, or for a JSON object with nonce and verdict.
Only what stands outside the fences can name the nonce. Further blocks, such as a rubric, are passed over. Pure.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

_QUESTION = re.compile(r"^\[QUESTION ([0-9a-f]{16})\]$", re.MULTILINE)
_NONCE = re.compile(r"\bVERDICT ([0-9a-f]{16}):")
_JSON_NONCE = re.compile(r'^"nonce": the code ([0-9a-f]{16})\b', re.MULTILINE)
_GRADES = ("1>>2", "2>>1")


class Seat(StrEnum):
    """A verdict in the words of one prompt: the answer shown first, the one shown second, or neither."""

    FIRST = "1"
    SECOND = "2"
    TIE = "TIE"


class UnreadablePrompt(ValueError):
    """A prompt that is not the arena's judging prompt; says what is missing."""


@dataclass(frozen=True, slots=True)
class JudgingPrompt:
    """What a judge is shown."""

    question: str
    """Without the fence that also guards its turns, if it has several."""
    first: str
    """The answer in the first seat, to the letter but for the fence that guards its replies, if it has several."""
    second: str
    nonce: str
    graded: bool = False
    """It asks for one of five grades."""
    structured: bool = False
    """It asks for a JSON object."""


def read(prompt: str, *, held_to_schema: bool = False) -> JudgingPrompt:
    """Find question, answers and verdict nonce.

    A caller that holds the judge to a schema asks for JSON, whatever the prompt says.

    Raises:
        UnreadablePrompt: a marker or the verdict instruction is missing.
    """
    opening = _QUESTION.search(prompt)
    if opening is None:
        raise UnreadablePrompt("the prompt has no line [QUESTION <16 hexadecimal digits>]")
    fence = opening[1]
    question, position = _fenced(prompt, f"QUESTION {fence}", opening.start())
    first, position = _fenced(prompt, f"ANSWER 1 {fence}", position)
    second, position = _fenced(prompt, f"ANSWER 2 {fence}", position)
    rest = _without_blocks(prompt[position:], fence)
    as_json = _JSON_NONCE.search(rest)
    nonce = as_json or _NONCE.search(rest) or _NONCE.search(prompt, 0, opening.start())
    if nonce is None:
        raise UnreadablePrompt("the prompt does not ask for a line VERDICT <16 hexadecimal digits>: 1, 2 or TIE")
    return JudgingPrompt(
        question=_unguarded(question, fence),
        first=_unguarded(first, fence),
        second=_unguarded(second, fence),
        nonce=nonce[1],
        graded=all(grade in rest for grade in _GRADES),
        structured=held_to_schema or as_json is not None,
    )


def _unguarded(text: str, fence: str) -> str:
    return text.replace(f" {fence}]", "]")


def _without_blocks(text: str, fence: str) -> str:
    return re.sub(rf"^\[([A-Z]+) {fence}\]\n.*?\n\[END \1 {fence}\]$", "", text, flags=re.MULTILINE | re.DOTALL)


def _fenced(prompt: str, name: str, start: int) -> tuple[str, int]:
    """The text between the lines `[name]` and `[END name]` from `start` on, and where the last marker ends.

    The fence keeps its end: a text that quotes the marker of another prompt does not close this one.
    """
    opening, closing = f"[{name}]\n", f"\n[END {name}]"
    at = prompt.find(opening, start)
    if at < 0:
        raise UnreadablePrompt(f"the prompt has no line [{name}]")
    # An empty text may leave a single line break between its markers.
    end = prompt.find(closing, at + len(opening) - 1)
    if end < 0:
        raise UnreadablePrompt(f"the prompt has no line [END {name}]")
    return prompt[at + len(opening) : max(end, at + len(opening))], end + len(closing)


_REASONS = {
    Seat.FIRST: "Answer 1 is the more convincing of the two.",
    Seat.SECOND: "Answer 2 is the more convincing of the two.",
    Seat.TIE: "Neither answer is better than the other.",
}


_WORDS = {
    (Seat.FIRST, True): "1>>2",
    (Seat.FIRST, False): "1>2",
    (Seat.SECOND, True): "2>>1",
    (Seat.SECOND, False): "2>1",
}


def spoken(verdict: Seat, prompt: JudgingPrompt, *, much: bool = False) -> str:
    """A judge's reply: a sentence of reason, then the verdict, in the words and the form that the prompt asks for.

    Args:
        verdict: what it says.
        prompt: whom it answers.
        much: whether the better answer is much better, where the prompt asks for grades.
    """
    word = _WORDS.get((verdict, much), str(verdict)) if prompt.graded else str(verdict)
    if prompt.structured:
        return json.dumps({"reasoning": _REASONS[verdict], "nonce": prompt.nonce, "verdict": word})
    return f"{_REASONS[verdict]}\n\nVERDICT {prompt.nonce}: {word}"
