"""In which words and in which form a judge states its verdict. Pure.

A verdict is a word of a scale: `1`, `2` or `TIE`, or one of five grades. It stands in a line of its own, or in a
member of a JSON object where the endpoint can be held to a schema. The form follows from the judge's revision, for
whether an endpoint takes a schema is part of what makes a revision; its version is in the request id of the call
all the same, so that one id never stands for two prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from dearena.outcomes import SeatVerdict


class Form(StrEnum):
    """How a verdict is written. The value is what request ids say of it; the line, being first, says nothing."""

    LINE = ""
    """`VERDICT <nonce>: <word>`, alone on the last line."""
    BOUNDED_JSON = "json@1"
    """A JSON object, by the schema of `response_schema`, in which the reason's length has a limit."""
    JSON = "json@2"
    """The same without that limit, which the schemas of some endpoints may not have: the call's tokens have one."""

    @property
    def structured(self) -> bool:
        """Whether the reply is held to a schema."""
        return self is not Form.LINE


@dataclass(frozen=True, slots=True)
class Scale:
    """The words of a verdict, best for the first seat first, and what each says."""

    verdicts: Mapping[str, SeatVerdict]
    graded: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """As they are written."""
        return tuple(self.verdicts)

    def grade(self, word: str) -> int:
        """1 (the first is much better) to 5 (the second is); 0 where the scale has no grades."""
        return self.words.index(word) + 1 if self.graded else 0


PLAIN: Final = Scale({"1": SeatVerdict.FIRST, "2": SeatVerdict.SECOND, "TIE": SeatVerdict.TIE})
FIVE_STEPS: Final = Scale(
    {
        "1>>2": SeatVerdict.FIRST,
        "1>2": SeatVerdict.FIRST,
        "TIE": SeatVerdict.TIE,
        "2>1": SeatVerdict.SECOND,
        "2>>1": SeatVerdict.SECOND,
    },
    graded=True,
)

REASONING_LONGEST: Final = 200
"""Characters of the reason in a structured verdict: room for a sentence, not for a judge that runs on."""


def response_schema(nonce: str, scale: Scale, *, bounded: bool = False) -> dict[str, Any]:
    """JSON Schema of a structured verdict. The reason comes first, so that the verdict can follow from it.

    Args:
        nonce: the verdict code of the call; a constant, so that no reply made under another schema has it.
        scale: whose words may stand as the verdict.
        bounded: limit the length of the reason.
    """
    limit = {"maxLength": REASONING_LONGEST} if bounded else {}
    return {
        "type": "object",
        "properties": {
            "reasoning": {"type": "string", **limit},
            "nonce": {"type": "string", "const": nonce},
            "verdict": {"type": "string", "enum": list(scale.words)},
        },
        "required": ["reasoning", "nonce", "verdict"],
        "additionalProperties": False,
    }
