"""Which models, questions and votes of a folder a replay is made of."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from dearena.client import Vote
from dearena.local import recordings, replay

MODELS = ("A 1", "B 2", "C 3")


def write(folder: Path, queries: list[Any], answers: list[Any], votes: list[Any]) -> Path:
    (folder / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    for name, entries in (("answers", answers), ("votes", votes)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.write("".join(json.dumps(one) + "\n" for one in entries))
    return folder


def vote(judge: str, model_a: str, model_b: str, winner: str, query: str = "q1") -> dict[str, str]:
    return {
        "dimension": "code",
        "query_id": query,
        "judge": judge,
        "model_a": model_a,
        "model_b": model_b,
        "winner": winner,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    queries = [{"query_id": query, "dimension": "code", "text": f"What is {query}?"} for query in ("q1", "q2")]
    queries.append({"query_id": "q3", "dimension": "prose", "text": "Who?"})
    answers = [{"model": model, "query_id": query, "text": "…"} for model in MODELS for query in ("q1", "q2")]
    answers += [{"model": "Rare", "query_id": query, "text": "…"} for query in ("q1", "q3")]
    votes = [
        vote("C 3", "A 1", "B 2", "a"),
        vote("B 2", "A 1", "C 3", "tie"),
        vote("A 1", "B 2", "Rare", "a"),
        vote("Rare", "A 1", "B 2", "b"),
        vote("C 3", "A 1", "B 2", "b", query="q3"),
    ]
    return write(tmp_path, queries, answers, votes)


def test_only_models_with_enough_answers_and_the_votes_among_them_count(folder: Path) -> None:
    recording = recordings.read(folder, "code", least_answers=2)
    assert recording.models == MODELS
    assert [one["id"] for one in recording.questions] == ["q1", "q2"]
    assert recording.votes == (
        recordings.Vote("q1", "C 3", "A 1", "B 2", 1.0),
        recordings.Vote("q1", "B 2", "A 1", "C 3", 0.5),
    )


def test_a_dimension_that_is_not_there_is_told_with_those_that_are(folder: Path) -> None:
    with pytest.raises(recordings.UnusableRecording, match="no dimension 'verse'; it has code, prose"):
        recordings.read(folder, "verse")


def test_too_few_models_and_missing_files_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(recordings.UnusableRecording, match="only 0 models answered 30 queries"):
        recordings.read(folder, "code")
    with pytest.raises(recordings.UnusableRecording, match="queries"):
        recordings.read(tmp_path / "nowhere", "code")


def cast(judge: str, outcome: str, attempt: int = 1) -> Vote:
    return Vote(1, 1, "", attempt, "a-1@1", "b-2@1", judge, "q1", outcome, 2, 0, "")


def test_a_recorded_vote_is_asked_once_however_often_it_was_cast(folder: Path) -> None:
    recording = recordings.read(folder, "code", least_answers=2)
    assert replay.count_asked(recording, [cast("c-3@1", "A"), cast("c-3@1", "A", 2), cast("d-4@1", "B")]) == 1
    assert replay.count_asked(recording, [cast("c-3@1", "VOID"), cast("c-3@1", "FAILED", 2)]) == 0
