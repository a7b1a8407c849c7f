"""Exported votes: whole files, equal for equal votes, one name for each thing."""

import gzip
import json
from pathlib import Path

import pytest

from dearena.cli import votes
from dearena.client import Vote

VOTE = Vote(
    sequence=9,
    round=3,
    cell_id="c1",
    attempt=1,
    model_a="alpha@1",
    model_b="beta@1",
    judge="gamma@1",
    query_id="q1 🎲",
    outcome="FLIP",
    judge_calls=2,
    cost_nano_units=0,
    currency="",
)


def test_a_line_says_who_judged_what_and_that_nobody_won() -> None:
    assert votes.line_of(VOTE, "algebra") == {
        "judge": "gamma@1",
        "model_a": "alpha@1",
        "model_b": "beta@1",
        "query_id": "q1 🎲",
        "outcome": "FLIP",
        "winner": None,
        "dimension": "algebra",
        "round": 3,
        "cell_id": "c1",
        "attempt": 1,
        "draw": 65_536,
        "first": None,
    }


@pytest.mark.parametrize("name", ["votes.jsonl", "votes.jsonl.gz"])
def test_a_file_holds_what_was_written(tmp_path: Path, name: str) -> None:
    contents = []
    for file in (tmp_path / name, tmp_path / f"other-{name}"):
        with votes.opened(file) as lines:
            lines.write(json.dumps(votes.line_of(VOTE, "algebra"), ensure_ascii=False) + "\n")
        contents.append(file.read_bytes())
    assert contents[0] == contents[1]
    if name.endswith(".gz"):
        assert contents[0][4:8] == bytes(4)  # where gzip puts the time: files written apart would differ
    text = gzip.decompress(contents[0]) if name.endswith(".gz") else contents[0]
    assert json.loads(text)["query_id"] == "q1 🎲"
    assert {path.name for path in tmp_path.iterdir()} == {name, f"other-{name}"}


@pytest.mark.parametrize("name", ["votes.jsonl", "votes.jsonl.gz"])
def test_a_file_that_could_not_be_finished_is_not_there_and_the_old_one_stays(tmp_path: Path, name: str) -> None:
    (file := tmp_path / name).write_text("old")
    with pytest.raises(ConnectionError), votes.opened(file) as lines:
        lines.write("half")
        raise ConnectionError
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["no-such-folder/votes.jsonl", "."])
def test_a_file_that_cannot_be_written_is_told_by_the_name_given(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Is a directory") as refused, votes.opened(tmp_path / name):
        pytest.fail("there is nothing to write to")
    assert refused.value.filename == str(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_becomes_a_directory_is_told_by_the_name_given(tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    with pytest.raises(IsADirectoryError) as refused, votes.opened(file):
        file.mkdir()
    assert (refused.value.filename, refused.value.filename2) == (str(file), None)
    assert list(tmp_path.iterdir()) == [file]
