"""Reads a folder of recorded answers and votes, and says of every line why it cannot be used.

The folder holds JSON Lines, plain or gzipped (`.gz`):

    queries.jsonl   query_id, dimension, …
    answers.jsonl   model, query_id, text
    votes.jsonl     dimension, query_id, judge, model_a, model_b, winner ("a", "b" or "tie")

Further members of a line are left alone.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from dearena.sparring.recorded import RecordedAnswer, RecordedVote, RecordedWorld, Winner

_WINNERS = {str(winner): winner for winner in Winner}


class BrokenRecord(ValueError):
    """A folder that cannot be served; the message names file, line and what is wrong there."""


def load(folder: Path) -> RecordedWorld:
    """Read a folder.

    Raises:
        BrokenRecord: a file is missing or unreadable; a line is not a JSON object, lacks a field, repeats
            another one, or speaks of a query, dimension or answer that is not there.
    """
    dimensions = _dimensions(folder)
    answers = _answers(folder, dimensions)
    return RecordedWorld(answers.values(), _votes(folder, dimensions, answers))


class _Line:
    """One line's object, and where it stands."""

    __slots__ = ("number", "path", "values")

    def __init__(self, path: Path, number: int, values: dict[str, Any]) -> None:
        self.path, self.number, self.values = path, number, values

    def text(self, member: str) -> str:
        value = self.values.get(member)
        if not isinstance(value, str) or not value:
            self.broken(f"{member} must be a text that is not empty")
        return value

    def broken(self, what: str) -> NoReturn:
        raise BrokenRecord(f"{self.path}, line {self.number}: {what}")


def _dimensions(folder: Path) -> dict[str, str]:
    dimensions: dict[str, str] = {}
    for line in _lines(folder, "queries"):
        query_id = line.text("query_id")
        if query_id in dimensions:
            line.broken(f"query {query_id!r} stands there twice")
        dimensions[query_id] = line.text("dimension")
    return dimensions


def _answers(folder: Path, dimensions: dict[str, str]) -> dict[tuple[str, str], RecordedAnswer]:
    answers: dict[tuple[str, str], RecordedAnswer] = {}
    for line in _lines(folder, "answers"):
        answer = RecordedAnswer(line.text("model"), line.text("query_id"), line.text("text"))
        if answer.query_id not in dimensions:
            line.broken(f"there is no query {answer.query_id!r}")
        if answers.setdefault((answer.query_id, answer.model), answer) is not answer:
            line.broken(f"a second answer of {answer.model!r} to {answer.query_id!r}")
    return answers


def _votes(
    folder: Path, dimensions: dict[str, str], answers: dict[tuple[str, str], RecordedAnswer]
) -> Iterator[RecordedVote]:
    seen: set[tuple[str, str, frozenset[str]]] = set()
    for line in _lines(folder, "votes"):
        query_id, judge = line.text("query_id"), line.text("judge")
        model_a, model_b = line.text("model_a"), line.text("model_b")
        if (dimension := line.text("dimension")) != dimensions.get(query_id):
            line.broken(f"dimension {dimension!r} has no query {query_id!r}")
        if model_a == model_b:
            line.broken(f"{model_a!r} is compared with itself")
        for model in (model_a, model_b):
            if (query_id, model) not in answers:
                line.broken(f"a vote on {model!r}, which has no answer to {query_id!r}")
        winner = _WINNERS.get(line.text("winner"))
        if winner is None:
            line.broken(f"winner is {line.values['winner']!r}: it must be a, b or tie")
        key = (query_id, judge, frozenset((model_a, model_b)))
        if key in seen:
            line.broken(f"a second vote of {judge!r} on {model_a!r} and {model_b!r} at {query_id!r}")
        seen.add(key)
        yield RecordedVote(query_id, judge, model_a, model_b, winner)


def _lines(folder: Path, name: str) -> Iterator[_Line]:
    path = _found(folder, name)
    number = 0
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, start=1):  # the handler below names it
                if line.strip():
                    yield _Line(path, number, _object(path, number, line))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise BrokenRecord(f"{path}, after line {number}: {error}") from error


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and brackets without end
        raise BrokenRecord(f"{path}, line {number}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BrokenRecord(f"{path}, line {number}: not a JSON object")
    return value


def _found(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"):
        if path.is_file():
            return path
    raise BrokenRecord(f"{folder} holds neither {name}.jsonl nor {name}.jsonl.gz")


def _opened(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
