"""Folders of recorded answers and votes: what is read, and what is said of a broken line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from dearena.sparring import records
from dearena.sparring.calls import Call, Completed, Purpose
from dearena.sparring.records import BrokenRecord

Lines = list[dict[str, Any]]

QUERIES: Lines = [{"query_id": "q1", "question_id": "x", "dimension": "code", "text": "2 squared?"}]
ANSWERS: Lines = [{"model": name, "query_id": "q1", "text": f"{name} says 4."} for name in ("A", "B", "C")]
VOTE: dict[str, Any] = {
    "dimension": "code",
    "query_id": "q1",
    "judge": "C",
    "model_a": "A",
    "model_b": "B",
    "winner": "b",
}


def folder(path: Path, *, queries: Lines = QUERIES, answers: Lines = ANSWERS, votes: Lines | None = None) -> Path:
    for name, lines in (("queries", queries), ("answers", answers), ("votes", [VOTE] if votes is None else votes)):
        (path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


def test_a_folder_is_read_plain_or_gzipped(tmp_path: Path) -> None:
    folder(tmp_path)
    plain = tmp_path / "answers.jsonl"
    with gzip.open(tmp_path / "answers.jsonl.gz", "wt") as zipped:
        zipped.write(plain.read_text())
    plain.unlink()
    world = records.load(tmp_path)
    assert list(world.models()) == ["A", "B", "C"]
    assert world.reply(Call("A", ("?",), "q1", Purpose.ANSWER)) == Completed("A says 4.")


def test_blank_lines_and_further_members_are_left_alone(tmp_path: Path) -> None:
    folder(tmp_path, votes=[VOTE | {"score": 7}])
    with (tmp_path / "votes.jsonl").open("a") as votes:
        votes.write("\n\n")
    assert "C" in records.load(tmp_path).models()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"queries": QUERIES * 2}, "queries.jsonl, line 2: query 'q1' stands there twice"),
        ({"queries": [{"query_id": "q1"}]}, "queries.jsonl, line 1: dimension must be a text"),
        ({"answers": [*ANSWERS, ANSWERS[0]]}, "answers.jsonl, line 4: a second answer of 'A' to 'q1'"),
        ({"answers": [ANSWERS[0] | {"query_id": "q2"}]}, "answers.jsonl, line 1: there is no query 'q2'"),
        ({"answers": [ANSWERS[0] | {"text": ""}]}, "answers.jsonl, line 1: text must be a text that is not empty"),
        ({"answers": [ANSWERS[0] | {"model": 7}]}, "answers.jsonl, line 1: model must be a text"),
        ({"votes": [VOTE | {"winner": "A"}]}, "votes.jsonl, line 1: winner is 'A': it must be a, b or tie"),
        ({"votes": [VOTE, VOTE | {"dimension": "maths"}]}, "votes.jsonl, line 2: dimension 'maths' has no query 'q1'"),
        ({"votes": [VOTE | {"model_b": "A"}]}, "votes.jsonl, line 1: 'A' is compared with itself"),
        ({"votes": [VOTE | {"model_b": "D"}]}, "votes.jsonl, line 1: a vote on 'D', which has no answer to 'q1'"),
        (
            {"votes": [VOTE, VOTE | {"model_a": "B", "model_b": "A"}]},
            "votes.jsonl, line 2: a second vote of 'C' on 'B' and 'A' at 'q1'",
        ),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, broken: dict[str, Lines], said: str) -> None:
    folder(tmp_path, **broken)
    with pytest.raises(BrokenRecord) as caught:
        records.load(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "line 2: not JSON"), ("[" * 100_000, "line 2: not JSON"), ("[]", "line 2: not a JSON object")],
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str, said: str) -> None:
    folder(tmp_path)
    with (tmp_path / "answers.jsonl").open("w") as answers:
        answers.write(json.dumps(ANSWERS[0]) + f"\n{line}\n")
    with pytest.raises(BrokenRecord, match=said):
        records.load(tmp_path)


def test_a_missing_or_torn_file_is_named(tmp_path: Path) -> None:
    folder(tmp_path)
    votes = tmp_path / "votes.jsonl"
    zipped = gzip.compress(votes.read_bytes())
    votes.unlink()
    with pytest.raises(BrokenRecord, match=r"neither votes.jsonl nor votes.jsonl.gz"):
        records.load(tmp_path)
    (tmp_path / "votes.jsonl.gz").write_bytes(zipped[: len(zipped) // 2])
    with pytest.raises(BrokenRecord, match=r"votes.jsonl.gz, after line 0"):
        records.load(tmp_path)
    garbled = bytearray(zipped)
    garbled[20:24] = b"\xff" * 4
    (tmp_path / "votes.jsonl.gz").write_bytes(garbled)
    with pytest.raises(BrokenRecord, match=r"votes.jsonl.gz, after line 0"):
        records.load(tmp_path)
    (tmp_path / "votes.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(BrokenRecord, match=r"votes.jsonl.gz, after line 0"):
        records.load(tmp_path)
