"""What may stand in a question pool, and how one is read: JSON Lines that arrive in pieces cut anywhere.

A line is an object with `id`, `text` (or `turns`), and optionally `reference` and `category`; further
members are left alone, and so are blank lines. A pool is good as a whole or not at all: every line that
is wrong is told, and none is skipped. Equal texts under two ids are two questions. Pure.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dearena import identity
from dearena.faults import BrokenPool, FieldViolation

MAX_QUESTION_BYTES: Final = 1 << 20
"""Of id, turns, reference and category together, in UTF-8: one question must fit a reply with room to spare."""

MAX_LINE_BYTES: Final = 8 * MAX_QUESTION_BYTES
"""A line is held in memory until it ends; escapes make a text at most six times as long."""

MAX_ID_CHARACTERS: Final = 256

LISTED_LINES: Final = 20
"""So many broken lines are described; the others are counted."""

SHOWN_CHARACTERS: Final = 80

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_OTHER_FILES: Final = {
    b"\x1f\x8b": "is packed by gzip; unpack it",
    b"PAR1": "is Parquet; `dearena pool convert` makes JSON Lines of it",
    b"PK\x03\x04": "is a ZIP file; unpack it",
    b"\xff\xfe": "is UTF-16; pools are UTF-8",
    b"\xfe\xff": "is UTF-16; pools are UTF-8",
}
"""By how they begin."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a pool."""

    query_id: str
    turns: tuple[str, ...]
    reference: str
    category: str
    query_hash: identity.Digest
    line: int = field(default=0, compare=False)
    """Where it stands in its pool; 0: not in a file."""

    @classmethod
    def of(cls, query_id: str, turns: Iterable[str], reference: str = "", category: str = "") -> "Question":
        """A question with its hash."""
        turns = tuple(turns)
        return cls(
            query_id=query_id,
            turns=turns,
            reference=reference,
            category=category,
            query_hash=identity.query_hash(query_id, turns, reference, category),
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """A whole pool in the order of its file."""

    questions: tuple[Question, ...]

    def pool_hash(self) -> identity.Digest:
        """SHA-256 over the query hashes in order."""
        return identity.pool_hash([question.query_hash for question in self.questions])


class PoolReader:
    """Reads a pool piece by piece; holds the questions and at most one unfinished line."""

    def __init__(self, *, max_bytes: int, max_questions: int) -> None:
        self._max_bytes = max_bytes
        self._max_questions = max_questions
        self._questions: list[Question] = []
        self._line_of: dict[str, int] = {}
        self._violations: list[FieldViolation] = []
        self._broken_lines = 0
        self._bytes = 0
        self._line = 1
        self._unfinished = bytearray()
        self._too_long = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the pool.

        Raises:
            BrokenPool: the pool is larger than it may be, or a file of another kind. Broken lines are told by `finish`.
        """
        self._bytes += len(piece)
        if self._bytes > self._max_bytes:
            raise BrokenPool(f"the pool is larger than {self._max_bytes:,} bytes; cut it into smaller ones")
        *ends, rest = piece.split(b"\n")
        for end in ends:
            self._append(end)
            self._end_line()
        self._append(rest)

    def finish(self) -> Pool:
        """The pool, now that it has ended.

        Raises:
            BrokenPool: lines are broken (each in a violation of the field `pool line N`, up to
                LISTED_LINES of them), or there is no question at all.
        """
        self._end_line()
        if self._violations:
            first = self._violations[0]
            others = self._broken_lines - 1
            more = f" (and {others:,} more broken {'line' if others == 1 else 'lines'})" if others else ""
            raise BrokenPool(f"{first.field}: {first.description}{more}", self._violations)
        if not self._questions:
            raise BrokenPool("the pool holds no question", [FieldViolation("pool", "holds no question")])
        return Pool(tuple(self._questions))

    def _append(self, piece: bytes) -> None:
        # What lies beyond the cap is not kept: a pool without line ends must not fill the memory.
        if len(self._unfinished) + len(piece) > MAX_LINE_BYTES:
            self._too_long = True
            self._unfinished.clear()
        if not self._too_long:
            self._unfinished += piece

    def _end_line(self) -> None:
        try:
            self._read_line()
        except BrokenLine as broken:
            self._broken_lines += 1
            if len(self._violations) < LISTED_LINES:
                self._violations.append(FieldViolation(f"pool line {self._line}", str(broken)))
        self._line += 1
        self._unfinished.clear()
        self._too_long = False

    def _read_line(self) -> None:
        if self._too_long:
            raise BrokenLine(f"the line is longer than {MAX_LINE_BYTES:,} bytes")
        line = bytes(self._unfinished)
        if self._line == 1:
            if other := other_file(line):
                raise BrokenPool(f"the pool {other}", [FieldViolation("pool", other)])
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.strip():
            self._add(question_in(line))

    def _add(self, question: Question) -> None:
        if (earlier := self._line_of.setdefault(question.query_id, self._line)) != self._line:
            raise BrokenLine(f"id {shown(question.query_id)} stands in line {earlier} already")
        if len(self._questions) == self._max_questions:
            raise BrokenPool(f"the pool holds more than {self._max_questions:,} questions")
        self._questions.append(replace(question, line=self._line))


def read_pool(pieces: Iterable[bytes], *, max_bytes: int = 1 << 28, max_questions: int = 1 << 20) -> Pool:
    """Read a pool that is at hand; raises BrokenPool as `PoolReader` does."""
    reader = PoolReader(max_bytes=max_bytes, max_questions=max_questions)
    for piece in pieces:
        reader.feed(piece)
    return reader.finish()


def other_file(content: bytes) -> str:
    """What a file is that cannot hold lines of JSON, by how it begins; empty where nothing tells against it."""
    return next((what for start, what in _OTHER_FILES.items() if content.startswith(start)), "")


class BrokenLine(Exception):
    """What is wrong with a line."""


def question_in(line: bytes) -> Question:
    """The question that stands in one line; raises BrokenLine."""
    return question_of(object_in(line))


def question_of(members: Mapping[str, Any]) -> Question:
    """The question that an object is; raises BrokenLine."""
    query_id = _string(members, "id")
    if not query_id.strip():
        raise BrokenLine("id is empty" if "id" in members else f"id is missing{_instead(members)}")
    if len(query_id) > MAX_ID_CHARACTERS:
        raise BrokenLine(f"id is longer than {MAX_ID_CHARACTERS} characters")
    turns = _turns(members)
    reference, category = _string(members, "reference"), _string(members, "category")
    try:
        size = sum(len(text.encode()) for text in (query_id, *turns, reference, category))
    except UnicodeEncodeError:
        raise BrokenLine("an escape names half of a surrogate pair, which is no character") from None
    if size > MAX_QUESTION_BYTES:
        raise BrokenLine(f"the question has {size:,} bytes; at most {MAX_QUESTION_BYTES:,} are allowed")
    return Question.of(query_id, turns, reference, category)


def object_in(line: bytes) -> dict[str, Any]:
    """The object that stands in one line; raises BrokenLine."""
    try:
        members = json.loads(line.decode(), object_pairs_hook=_without_doubles)
    except UnicodeDecodeError as error:
        raise BrokenLine(f"not UTF-8: byte {error.start + 1} of the line is 0x{line[error.start]:02x}") from None
    except json.JSONDecodeError as error:
        raise BrokenLine(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets without end
        raise BrokenLine(f"not JSON that can be read: {error}") from None
    if not isinstance(members, dict):
        raise BrokenLine("not a JSON object")
    return members


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BrokenLine(f"{shown(twice)} stands twice in one object")
    return members


def _turns(members: Mapping[str, Any]) -> tuple[str, ...]:
    has_text, has_turns = members.get("text") is not None, members.get("turns") is not None
    if has_text and has_turns:
        raise BrokenLine("has text and turns; one of them must go")
    if not has_text and not has_turns:
        raise BrokenLine("has neither text nor turns")
    if has_text:
        text = _string(members, "text")
        if not text.strip():
            raise BrokenLine("text is empty")
        return (text,)
    turns = members["turns"]
    if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
        raise BrokenLine("turns must be a list of strings")
    if not turns:
        raise BrokenLine("turns is empty")
    for number, turn in enumerate(turns, start=1):
        if not turn.strip():
            raise BrokenLine(f"turn {number} is empty")
    return tuple(turns)


def _string(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BrokenLine(f"{name} must be a string")
    return value


def _instead(members: Mapping[str, Any]) -> str:
    """A hint for the many pools that call the id by another name."""
    found = next((name for name in members if name.lower().endswith("id")), None)
    return f"; there is {shown(found)}" if found else ""


def shown(text: str) -> str:
    """Text in quotes, cut where it would fill a screen, with nothing that could not be sent as UTF-8."""
    short = text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
    return json.dumps(short, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
