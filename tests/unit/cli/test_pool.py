"""`dearena pool`: what it says, what it writes, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dearena.cli.app import app

ROWS = "number,question,answer\n1,What is the capital of France?,Paris\n2,what is the capital of France,paris\n3,Why,\n"
MAP = ["--map", "text=question", "--map", "reference=answer", "--map", "id=number"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_a_pool_is_told(table: Path) -> None:
    result = CliRunner().invoke(app, ["pool", "check", str(table), *MAP])
    assert result.exit_code == 0, result.output
    assert "nearly the same: line 2 (1), line 3 (2)" in result.output
    assert "2 of 3" in result.output


def test_a_converted_pool_is_the_same_pool(table: Path, tmp_path: Path) -> None:
    into = tmp_path / "pool.jsonl"
    assert CliRunner().invoke(app, ["pool", "convert", str(table), "-o", str(into), *MAP]).exit_code == 0
    before, after = (
        json.loads(CliRunner().invoke(app, ["pool", "check", *arguments, "--json"]).output)
        for arguments in ([str(table), *MAP], [str(into)])
    )
    assert before.pop("groups") == [{"stays": {"id": "1", "line": 2}, "others": [{"id": "2", "line": 3}], "size": 2}]
    assert after.pop("groups") == [{"stays": {"id": "1", "line": 1}, "others": [{"id": "2", "line": 2}], "size": 2}]
    assert before == after
    assert before["questions"] == 3
    assert before["near_duplicates"] == 1


def test_duplicates_are_merged(table: Path, tmp_path: Path) -> None:
    into = tmp_path / "pool.jsonl"
    arguments = ["pool", "convert", str(table), "-o", str(into), "--merge-duplicates", "--json", *MAP]
    result = CliRunner().invoke(app, arguments)
    went = [{"id": "2", "line": 3, "into": {"id": "1", "line": 2}}]
    assert json.loads(result.output) == {"questions": 2, "left_out": 1, "made_ids": 0, "merged": went}
    assert [json.loads(line)["id"] for line in into.read_text(encoding="utf-8").splitlines()] == ["1", "3"]


def test_broken_rows_are_told_as_far_as_twenty(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("id,text\na,fine\n" + "b\n" * 25, encoding="utf-8")
    result = CliRunner().invoke(app, ["pool", "check", str(path)])
    assert result.exit_code == 1
    assert "line 22: has 1 cell, where the header has 2" in result.output
    assert "line 23" not in result.output
    assert "and 5 more broken lines" in result.output


def test_of_broken_rows_nothing_is_written(tmp_path: Path) -> None:
    path, into = tmp_path / "broken.csv", tmp_path / "pool.jsonl"
    path.write_text("id,text\na\n", encoding="utf-8")
    into.write_text("as it was", encoding="utf-8")
    result = CliRunner().invoke(app, ["pool", "convert", str(path), "-o", str(into)])
    assert result.exit_code == 2
    assert "pool line 2" in result.output
    assert into.read_text(encoding="utf-8") == "as it was"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["broken.csv", "pool.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--map", "text=nothing"], "there is no column"),
        (["--map", "nonsense"], "not of the form"),
        (["--format", "parquet"], "not a Parquet file"),
    ],
)
def test_what_cannot_be_used_is_told(table: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["pool", "check", str(table), *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_what_a_terminal_would_obey_is_shown_as_letters(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text(json.dumps({"id": "a", "text": "x", "category": "\x1b[31m"}), encoding="utf-8")
    result = CliRunner().invoke(app, ["pool", "check", str(path)])
    assert "\x1b" not in result.output
    assert "\\u001b[31m" in result.output
