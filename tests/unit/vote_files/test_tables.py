"""Columns in and out: CSV, Arrow and Parquet hold the same votes as lines do."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dearena.faults import InvalidField
from dearena.vote_files import BrokenVoteFile, VoteColumns, read, writing
from dearena.vote_files.faults import ColumnsMissing
from tests.unit.vote_files.files import jsonl, vote

ROWS = [
    vote(weight=0.5, attempt=1, first="a", dimension="x", draw=13_107),
    vote(winner="b", query_id="q2", weight=None, attempt=None, first=None, dimension=None),
    vote(winner=None, outcome="FLIP", judge="dave", weight=2.0, attempt=3, first="b", dimension="x"),
]
FIELDS = sorted({name for row in ROWS for name in row})


def table(rows: list[dict[str, Any]]) -> Any:
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table({name: [row.get(name) for row in rows] for name in FIELDS} | {"extra": [[1]] * len(rows)})


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".csv":
            lines = [",".join(FIELDS), *(",".join(_cell(row.get(name)) for name in FIELDS) for row in rows)]
            path.write_text("\n".join(lines) + "\n")
        case ".parquet":
            parquet = pytest.importorskip("pyarrow.parquet")
            parquet.write_table(table(rows), path, row_group_size=2)
        case ".feather":
            pytest.importorskip("pyarrow.feather").write_feather(table(rows), str(path))
        case ".arrow":
            ipc = pytest.importorskip("pyarrow.ipc")
            whole = table(rows)
            with ipc.new_stream(path, whole.schema) as sink:
                sink.write_table(whole, max_chunksize=2)
    return path


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def told(found: VoteColumns) -> list[Any]:
    """Each column in words and numbers."""
    named = {
        "judge": found.names,
        "first": found.names,
        "second": found.names,
        "query": found.queries,
        "dimension": found.dimensions,
    }
    words = [[names[code] for code in getattr(found, column)] for column, names in named.items()]
    numbers = [getattr(found, column) for column in ("outcome", "weight", "order", "attempt", "cell", "draw")]
    return [*words, *(None if column is None else column.tolist() for column in numbers)]


@pytest.mark.parametrize("name", ["votes.csv", "votes.parquet", "votes.feather", "votes.arrow"])
def test_the_same_votes_whatever_they_are_written_in(tmp_path: Path, name: str) -> None:
    assert told(read(written(tmp_path / name, ROWS))) == told(read(jsonl(tmp_path / "votes.jsonl", ROWS)))


def test_columns_that_are_dictionaries_already_are_read(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    whole = table(ROWS)
    place = whole.schema.names.index("judge")
    parquet.write_table(
        whole.set_column(place, "judge", whole.column("judge").dictionary_encode()), tmp_path / "v.parquet"
    )
    assert told(read(tmp_path / "v.parquet")) == told(read(jsonl(tmp_path / "votes.jsonl", ROWS)))


@pytest.mark.parametrize(
    ("name", "where"), [("v.csv", "line 4"), ("v.parquet", "row 3"), ("v.feather", "row 3"), ("v.arrow", "row 3")]
)
@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model_b": "alpha"}, "compared with itself"),
        ({"winner": "c"}, "is none of"),
        ({"judge": None}, "judge is missing"),
        ({"weight": -2.0}, "weight -2.0 is neither 0 nor a number"),
        ({"query_id": "\t"}, "query_id is empty"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, where: str, changes: dict[str, Any], complaint: str
) -> None:
    file = written(tmp_path / name, [*ROWS[:2], ROWS[2] | {"outcome": None, "winner": "a"} | changes])
    with pytest.raises(BrokenVoteFile) as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}, {where}: ")
    assert complaint in str(refused.value)


@pytest.mark.parametrize("name", ["v.parquet", "v.feather", "v.arrow"])
def test_a_damaged_table_is_refused(tmp_path: Path, name: str) -> None:
    file = written(tmp_path / name, ROWS)
    whole = file.read_bytes()
    for kept in (0, 3, len(whole) // 2):
        file.write_bytes(whole[:kept])
        with pytest.raises(BrokenVoteFile):
            read(file)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no votes"),
        ("judge,model_a,model_b,query_id,winner\n", "holds no votes"),
        ("judge,judge\na,b\n", "line 1: judge stands twice"),
        ("judge,model_a\na,b,c\n", "line 2: 3 fields"),
        (
            "judge,model_a,model_b,query_id,winner,weight\nj,a,b,q,a,much\n",
            'line 2: weight "much" is neither 0 nor a number',
        ),
        ('judge,model_a\n"a,b\n', "is no CSV"),
    ],
)
def test_csv_that_is_none_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (file := tmp_path / "votes.csv").write_text(text)
    with pytest.raises(BrokenVoteFile, match=complaint):
        read(file)


@pytest.mark.parametrize("name", ["v.parquet", "v.arrow"])
def test_without_the_library_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (file := tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ColumnsMissing, match=r"dearena\[columns\]"):
        read(file)
    with pytest.raises(ColumnsMissing, match=r"dearena\[columns\]"):
        writing.check_ending(tmp_path / f"new-{name}")


TABLE: dict[str, list[Any]] = {"model": ["alpha", "ä"], "rank": [1, 2], "strength": [0.25, -0.25]}


@pytest.mark.parametrize("name", ["board.parquet", "board.arrow", "board.feather"])
def test_a_table_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    parquet, ipc = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.ipc")
    writing.write(file := tmp_path / name, None, TABLE)
    found = parquet.read_table(file) if file.suffix == ".parquet" else ipc.open_file(file.read_bytes()).read_all()
    assert found.to_pydict() == TABLE
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_json_holds_all_and_csv_the_table(tmp_path: Path) -> None:
    writing.write(tmp_path / "board.json", {"models": ["ä"]}, TABLE)
    writing.write(tmp_path / "board.csv", {"models": ["ä"]}, TABLE)
    assert json.loads((tmp_path / "board.json").read_text()) == {"models": ["ä"]}
    assert (tmp_path / "board.csv").read_text() == "model,rank,strength\nalpha,1,0.25\nä,2,-0.25\n"


def test_what_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="ends with none of"):
        writing.check_ending(tmp_path / "board.xlsx")
    (tmp_path / "dir.json").mkdir()
    with pytest.raises(IsADirectoryError):
        writing.check_ending(tmp_path / "dir.json")
    with pytest.raises(FileNotFoundError) as refused:
        writing.write(tmp_path / "none" / "board.json", {}, TABLE)
    assert refused.value.filename == str(tmp_path / "none" / "board.json")
