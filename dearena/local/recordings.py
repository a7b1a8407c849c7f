"""A folder of recorded answers and votes, as a replay needs it: who answered enough, what was asked, who won.

The folder is the one that recorded sparring models serve; see `dearena.sparring.records`, which says of a
broken line what is wrong with it.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST_ANSWERS = 30
"""Models with fewer answers in a dimension have met the others on too few questions to be held against them."""


class UnusableRecording(ValueError):
    """A folder that cannot be replayed; says why."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What a judge preferred: `share_a` is 1 for model_a, 0 for model_b, a half for a tie."""

    query_id: str
    judge: str
    model_a: str
    model_b: str
    share_a: float


@dataclass(frozen=True, slots=True)
class Recording:
    """One dimension, among the models that answered enough of it."""

    dimension: str
    models: tuple[str, ...]
    """Display names, sorted."""
    questions: tuple[dict[str, str], ...]
    """id and text, as in a pool's line."""
    votes: tuple[Vote, ...]
    """All recorded votes between these models by these models."""


def read(folder: Path, dimension: str, *, least_answers: int = LEAST_ANSWERS) -> Recording:
    """Read one dimension of a folder.

    Raises:
        UnusableRecording: a file is missing or broken, the dimension is not there, or fewer than three
            models answered enough of it.
    """
    queries = list(_lines(folder, "queries"))
    if dimension not in (known := sorted({query["dimension"] for query in queries})):
        raise UnusableRecording(f"{folder} has no dimension {dimension!r}; it has {', '.join(known)}")
    questions = tuple({"id": one["query_id"], "text": one["text"]} for one in queries if one["dimension"] == dimension)
    asked = {question["id"] for question in questions}
    answers = Counter(answer["model"] for answer in _lines(folder, "answers") if answer["query_id"] in asked)
    models = {model for model, count in answers.items() if count >= least_answers}
    if len(models) < 3:  # noqa: PLR2004 - two contestants and a judge
        raise UnusableRecording(f"only {len(models)} models answered {least_answers} queries of {dimension!r} or more")
    votes = tuple(
        Vote(vote["query_id"], vote["judge"], vote["model_a"], vote["model_b"], _share(vote["winner"]))
        for vote in _lines(folder, "votes")
        if vote["query_id"] in asked and {vote["judge"], vote["model_a"], vote["model_b"]} <= models
    )
    return Recording(dimension, tuple(sorted(models)), questions, votes)


def _share(winner: str) -> float:
    return {"a": 1.0, "b": 0.0, "tie": 0.5}[winner]


def _lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    plain, packed = folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"
    try:
        with gzip.open(packed, "rt", encoding="utf-8") if packed.is_file() else plain.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise UnusableRecording(f"{folder}: {name}: {error}") from error
