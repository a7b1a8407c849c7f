"""How long an answer is and how much markdown it wears, counted from its text.

The features of style control in Chatbot Arena (Li, Angelopoulos and Chiang, "Does style matter?", 2024), and
blocks of code. What stands inside a block of code is no heading, list item or emphasis. It is a count, not a
rendering: headings underlined with `===` are not seen, and emphasis inside emphasis counts once. Pure.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_FENCE: Final = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_HEADING: Final = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_LIST_ITEM: Final = re.compile(r"[ \t]*(?:>[ \t]*)*(?:[-*+]|\d{1,9}[.)])[ \t]+(?=\S)")
_RULE: Final = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_CODE_SPAN: Final = re.compile(r"(?<!`)(`++)[^`]++\1(?!`)")

# A run of marks, text that neither begins nor ends with a space, and the same run again. The text holds no
# mark and gives nothing back, so that a line is read once however many marks in it are never closed.
_EMPHASES: Final = (
    ("*", re.compile(r"(?<![\\*])(\*{1,3})(?=[^\s*])[^*]++(?<!\s)\1(?!\*)")),
    ("_", re.compile(r"(?<![\\\w])(_{1,3})(?=[^\s_])[^_]++(?<!\s)\1(?!\w)")),
)


class Markup(NamedTuple):
    """Counts of one answer.

    Attributes:
        characters: without white space at either end.
        headings: lines that begin with `#`.
        emphases: passages in `*` or `_`, once, twice or three times.
        list_items: with a bullet or a number.
        code_blocks: fenced ones.
    """

    characters: int
    headings: int
    emphases: int
    list_items: int
    code_blocks: int


def markup(text: str) -> Markup:
    """Count one answer."""
    headings = emphases = list_items = code_blocks = 0
    for line in _prose(text.splitlines()):
        if line is None:
            code_blocks += 1
            continue
        headings += _HEADING.match(line) is not None
        rest = line
        if not _RULE.match(line):
            if item := _LIST_ITEM.match(line):
                list_items += 1
                rest = line[item.end() :]
            emphases += _emphases(rest)
    return Markup(len(text.strip()), headings, emphases, list_items, code_blocks)


def _emphases(line: str) -> int:
    if "`" in line:
        line = _CODE_SPAN.sub("", line)
    return sum(len(marked.findall(line)) for mark, marked in _EMPHASES if mark in line)


def _prose(lines: Iterable[str]) -> Iterator[str | None]:
    """The lines outside blocks of code, and None where a block begins; one that never ends reaches to the last line."""
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        mark, info = (found["fence"], found["info"]) if found else ("", "")
        if fence:
            if mark.startswith(fence) and not info.strip():
                fence = ""
        elif mark and not (mark[0] == "`" and "`" in info):
            fence = mark
            yield None
        else:
            yield line
