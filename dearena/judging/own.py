"""What a template of a dimension's own must be, so that no text in it can pass for a verdict or leave its block. Pure.

It shows what others wrote just as the arena's templates do, each text once between its two marker lines, and asks
for the verdict below them, line by line in the words of one scale. The rest is its author's.
"""

import re
from collections.abc import Iterator
from typing import Final

from dearena.judging.forms import FIVE_STEPS, PLAIN
from dearena.judging.templates import PLACEHOLDERS, scale_of

TEXT_LONGEST: Final = 32_768
"""Characters of a template, and of a rubric: a prompt has two answers besides."""

_BLOCKS: Final = {
    "question": "QUESTION",
    "answer_1": "ANSWER 1",
    "answer_2": "ANSWER 2",
    "reference": "REFERENCE",
    "rubric": "RUBRIC",
}
_REQUIRED: Final = ("question", "answer_1", "answer_2")
_ANY_PLACEHOLDER: Final = re.compile(r"{{(.*?)}}")
_BEGINS_A_VERDICT: Final = re.compile(r"VERDICT {{nonce}}: \S+", re.IGNORECASE | re.ASCII)
_OTHER_LINE_ENDS: Final = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def problems(text: str) -> list[str]:
    """What is wrong with a template's text, for its author; empty when it can be used."""
    if len(text) > TEXT_LONGEST:
        return [f"has {len(text):,} characters; at most {TEXT_LONGEST:,} are allowed"]
    if _OTHER_LINE_ENDS.search(text):
        return ["has carriage returns or other line ends; lines must end with a line feed alone"]
    unknown = sorted(set(_ANY_PLACEHOLDER.findall(text)) - set(PLACEHOLDERS))
    found = [f"has the placeholder {{{{{name}}}}}, which is not known" for name in unknown]
    found += _wrong_blocks(text)
    return found or list(_wrong_demand(text))


def _block(placeholder: str) -> str:
    name = _BLOCKS[placeholder]
    return f"[{name} {{{{fence}}}}]\n{{{{{placeholder}}}}}\n[END {name} {{{{fence}}}}]"


def _wrong_blocks(text: str) -> Iterator[str]:
    framed = f"\n{text}\n"
    for placeholder, name in _BLOCKS.items():
        count = text.count(f"{{{{{placeholder}}}}}")
        if count == 0 and placeholder not in _REQUIRED:
            continue
        if count == 0:
            yield f"does not show {{{{{placeholder}}}}}"
        elif count > 1:
            yield f"shows {{{{{placeholder}}}}} {count} times"
        elif f"\n{_block(placeholder)}\n" not in framed:
            yield (
                f"must show {{{{{placeholder}}}}} on a line between the lines "
                f"[{name} {{{{fence}}}}] and [END {name} {{{{fence}}}}]"
            )


def _wrong_demand(text: str) -> Iterator[str]:
    """What is wrong with how it asks for the verdict; its blocks are known to be right."""
    places = [text.index(_block(one)) for one in _REQUIRED]
    if places != sorted(places):
        yield "must show the question first, then answer 1, then answer 2"
    shown = [one for one in _BLOCKS if f"{{{{{one}}}}}" in text]
    end = max(text.index(_block(one)) + len(_block(one)) for one in shown)
    if "{{nonce}}" in text[:end]:
        yield "names {{nonce}} before the last block ends"
    lines = [line.strip() for line in text.rstrip().split("\n")]
    if scale_of(text) is None:
        yield (
            "must ask below the blocks for one of the lines "
            + ", ".join(f"VERDICT {{{{nonce}}}}: {word}" for word in PLAIN.words)
            + ", each on a line of its own (or for grades: "
            + ", ".join(FIVE_STEPS.words)
            + ")"
        )
    elif any(_BEGINS_A_VERDICT.match(line) and not _BEGINS_A_VERDICT.fullmatch(line) for line in lines):
        yield "goes on behind a verdict in its line, so that an echo cut off there would be one"
    elif _BEGINS_A_VERDICT.fullmatch(lines[-1]):
        yield "ends with a verdict, so that its echo would end with one; say behind it what the words mean"
