"""Files that say more of the votes: families of models, which queries ask the same question, the answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dearena.vote_files import lines
from dearena.vote_files.faults import BrokenVoteFile
from dearena.vote_files.reading import name_of, opened


def read_families(file: Path | str) -> dict[str, str]:
    """Family by name of a model or judge: an object in JSON or YAML.

    Raises:
        BrokenVoteFile: it is something else.
        OSError: the file cannot be read.
    """
    name, families = name_of(file), _object(file)
    for model, family in families.items():
        if not isinstance(model, str) or not isinstance(family, str) or not family:
            raise BrokenVoteFile(f"{name}: {model!r}: {family!r} is no family of a model; both are text")
    return families


def read_costs(file: Path | str) -> dict[str, int]:
    """What the calls of each judge cost, in whole units of some currency: an object in JSON or YAML.

    Raises:
        BrokenVoteFile: it is something else.
        OSError: the file cannot be read.
    """
    name, costs = name_of(file), _object(file)
    for judge, cost in costs.items():
        if not isinstance(judge, str) or type(cost) is not int or cost < 0:
            raise BrokenVoteFile(f"{name}: {judge!r}: {cost!r} is no cost of a judge, a whole number from 0 up")
    return costs


def _object(file: Path | str) -> dict[Any, Any]:
    name = name_of(file)
    with opened(file) as stream:
        text = stream.read()
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as error:
        raise BrokenVoteFile(f"{name}: is neither JSON nor YAML") from error
    if not isinstance(found, dict):
        raise BrokenVoteFile(f"{name}: is no object of values by name")
    return found


def read_questions(file: Path | str) -> dict[str, str]:
    """Question by query: lines of JSON with `query_id` and `question_id`.

    Raises:
        BrokenVoteFile: a line is something else, or a query asks two questions; names the line.
        OSError: the file cannot be read.
    """
    questions: dict[str, str] = {}
    for where, (query, question) in _texts(file, "query_id", "question_id"):
        if questions.setdefault(query, question) != question:
            raise BrokenVoteFile(f"{where}: query {query!r} asked another question before")
    return questions


def read_answers(file: Path | str) -> Iterator[tuple[str, str, str]]:
    """Model, query and text of each answer: lines of JSON with `model`, `query_id` and `text`.

    Raises:
        BrokenVoteFile: a line is something else, or a model answers a query twice; names the line.
        OSError: the file cannot be read.
    """
    seen: set[tuple[str, str]] = set()
    for where, (model, query, text) in _texts(file, "model", "query_id", "text", may_be_empty="text"):
        if (model, query) in seen:
            raise BrokenVoteFile(f"{where}: {model!r} answers {query!r} twice")
        seen.add((model, query))
        yield model, query, text


def _texts(file: Path | str, *fields: str, may_be_empty: str = "") -> Iterator[tuple[str, list[str]]]:
    name = name_of(file)
    with opened(file) as stream:
        for place, row in lines.objects(stream, name):
            where = f"{name}, {place}"
            yield where, [_text(row, field, where, empty=field == may_be_empty) for field in fields]


def _text(row: dict[str, Any], field: str, where: str, *, empty: bool) -> str:
    value = row.get(field)
    if type(value) is int and field in {"query_id", "question_id"}:
        return str(value)
    if not isinstance(value, str) or not (value or empty):
        raise BrokenVoteFile(f"{where}: {field} is {'missing' if value is None else 'no text'}")
    return value
