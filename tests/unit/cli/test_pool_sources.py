"""Where a dimension's questions come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from dearena.cli import pool_sources
from dearena.client.pools import PoolSource, content_of
from dearena.faults import BrokenPool, InvalidField
from dearena.generators import generate
from dearena.pools.json_lines import read_pool
from dearena.pools.rows import Format


def chosen(*files: Path | None, **given: Any) -> PoolSource:
    settings = {"file_format": None, "columns": (), "kind": "", "size": 0, "seed": 0, "difficulty": 0, **given}
    return pool_sources.chosen(files, **settings)


def test_json_lines_go_as_they_are(tmp_path: Path) -> None:
    for name in ("pool.jsonl", "pool.txt", "pool"):
        assert chosen(tmp_path / name, None) == tmp_path / name


@pytest.mark.parametrize("name", ["pool.csv", "pool.data"])
def test_tables_become_json_lines(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("question\nWhy?\n", encoding="utf-8")
    content = content_of(chosen(None, path, file_format=Format.CSV, columns=["text=question"]))
    (question,) = read_pool([content]).questions
    assert question.turns == ("Why?",)
    assert question.query_id.startswith("q-")


def test_a_broken_table_is_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("id,text\na\n", encoding="utf-8")
    with pytest.raises(BrokenPool, match="pool line 2: has 1 cell"):
        chosen(path)


def test_questions_are_made_by_seed() -> None:
    content = content_of(chosen(None, kind="algebra", size=3, seed=7, difficulty=2))
    made = generate("algebra", 3, 7, 2)
    assert [json.loads(line)["id"] for line in content.splitlines()] == [one.id for one in made]
    assert [one.turns for one in read_pool([content]).questions] == [one.turns for one in made]


@pytest.mark.parametrize(
    ("files", "given", "said"),
    [
        ((), {}, "from one place"),
        ((Path("a"), Path("b")), {}, "from one place"),
        ((Path("a"),), {"kind": "algebra", "size": 1}, "from one place"),
        ((), {"kind": "algebra"}, "is needed with --generate"),
        ((), {"kind": "nonsense", "size": 1}, "is none of algebra"),
        ((), {"kind": "algebra", "size": 1, "columns": ["text=a"]}, "reads no file"),
        ((Path("a"),), {"size": 1}, "are for --generate"),
        ((Path("a"),), {"difficulty": 1}, "are for --generate"),
    ],
)
def test_options_that_do_not_fit_are_told(files: tuple[Path, ...], given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidField, match=said):
        chosen(*files, **given)
