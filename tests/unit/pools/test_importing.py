"""Files of questions: every format, every mapping, and all that can be wrong with them."""

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dearena.faults import BrokenPool, InvalidField
from dearena.pools.importing import Imported, import_pool, mapping_of
from dearena.pools.report import Merged, merged, report
from dearena.pools.rows import Format, format_of

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30).filter(str.strip)
words = st.one_of(st.just(""), texts)
records = st.lists(
    st.fixed_dictionaries(
        {"id": texts, "turns": st.lists(texts, min_size=1, max_size=3), "reference": words, "category": words}
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda record: record["id"],
)


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    into = io.StringIO(newline="")
    writer = csv.DictWriter(into, list(rows[0]))
    writer.writeheader()
    for row in rows:
        cells = {name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()}
        writer.writerow(cells)
    return into.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    into = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), into)
    return into.getvalue()


def csv_of(text: str) -> Imported:
    return import_pool(text.encode(), Format.CSV)


@given(rows=records)
def test_all_formats_give_the_same_pool(rows: list[dict[str, Any]]) -> None:
    straight = import_pool(as_jsonl(rows), Format.JSONL)
    hashes = {
        found.pool().pool_hash()
        for found in (
            straight,
            import_pool(as_csv(rows), Format.CSV),
            import_pool(as_parquet(rows), Format.PARQUET),
            import_pool(as_jsonl([entry.line() for entry in straight.entries]), Format.JSONL),
        )
    }
    assert len(hashes) == 1


@given(rows=records)
def test_merging_is_idempotent(rows: list[dict[str, Any]]) -> None:
    imported = import_pool(as_jsonl(rows), Format.JSONL).entries
    once = merged(imported)
    assert merged(once.entries) == Merged(once.entries, ())
    assert len(once.entries) + len(once.left_out) == len(imported)


def test_columns_are_mapped() -> None:
    mapping = mapping_of(["text=question", "reference=answer", "id=number", "licence=terms"])
    rows = [{"number": 7, "question": "Why?", "answer": "So.", "terms": "MIT", "text": "not this"}]
    for found in (
        import_pool(as_jsonl(rows), Format.JSONL, mapping),
        import_pool(as_csv(rows), Format.CSV, mapping),
        import_pool(as_parquet(rows), Format.PARQUET, mapping),
    ):
        (entry,) = found.entries
        assert entry.line() == {"id": "7", "text": "Why?", "reference": "So.", "licence": "MIT"}


@pytest.mark.parametrize("pair", ["text", "=question", "text=", "size=x"])
def test_a_mapping_must_be_one(pair: str) -> None:
    with pytest.raises(InvalidField):
        mapping_of([pair])


def test_a_field_is_mapped_once() -> None:
    with pytest.raises(InvalidField, match="text is mapped twice"):
        mapping_of(["text=a", "text=b"])


@pytest.mark.parametrize("file_format", Format)
def test_a_mapping_to_nothing_is_told_with_what_there_is(file_format: Format) -> None:
    content = {Format.JSONL: as_jsonl, Format.CSV: as_csv, Format.PARQUET: as_parquet}[file_format]([{"prompt": "x"}])
    with pytest.raises(InvalidField, match=r'no column "question"; there are "prompt"'):
        import_pool(content, file_format, {"text": "question"})
    with pytest.raises(BrokenPool, match="there is no column text or turns; there are"):
        import_pool(content, file_format)


def test_missing_ids_are_made_of_the_content() -> None:
    rows = [{"text": "Why?"}, {"text": "How?", "id": "mine"}, {"text": "Why?"}, {"text": "Why?", "reference": "x"}]
    found = import_pool(as_jsonl(rows), Format.JSONL)
    ids = [entry.question.query_id for entry in found.entries]
    assert found.made_ids == 3
    assert ids[1] == "mine"
    assert ids[2] == f"{ids[0]}-2"
    assert len(set(ids)) == 4
    turned = import_pool(as_jsonl(rows[::-1]), Format.JSONL)
    assert sorted(ids) == sorted(entry.question.query_id for entry in turned.entries)


def test_the_same_id_twice_is_told_with_both_lines() -> None:
    found = csv_of('id,text\na,"one\ntwo"\nb,x\na,y\n')
    assert [(one.place, one.why) for one in found.broken] == [(5, 'id "a" stands in line 2 already')]


def test_rows_of_csv_are_told_by_the_line_where_they_start() -> None:
    found = csv_of('id,text\na,"one\n\nthree"\n\nb\nc,x,y\nd,\ne,fine\n')
    assert [entry.question.query_id for entry in found.entries] == ["a", "e"]
    assert [(one.place, one.why) for one in found.broken] == [
        (6, "has 1 cell, where the header has 2"),
        (7, "has 3 cells, where the header has 2"),
        (8, "has neither text nor turns"),
    ]


def test_csv_that_ends_within_quotes_is_told() -> None:
    found = csv_of('id,text\na,x\nb,"open\n')
    assert len(found.entries) == 1
    assert found.broken[0].place == 3
    assert "not CSV" in found.broken[0].why


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    with pytest.raises(BrokenPool, match='line 1: the header names "text" twice'):
        csv_of("text,text\na,b\n")


def test_the_wrong_encoding_is_told_by_line() -> None:
    found = import_pool("id,text\na,x\nb,Zürich\nc,y\n".encode("latin-1"), Format.CSV)
    assert [(one.place, one.why) for one in found.broken] == [(3, "not UTF-8: cell 2 has byte 0xfc")]
    found = import_pool(b'{"text": "x"}\n{"text": "Z\xfcrich"}\n', Format.JSONL)
    assert [(one.place, one.why) for one in found.broken] == [(2, "not UTF-8: byte 12 of the line is 0xfc")]
    for file_format in (Format.CSV, Format.JSONL):
        with pytest.raises(BrokenPool, match="UTF-16"):
            import_pool("id,text\na,x\n".encode("utf-16"), file_format)


@pytest.mark.parametrize("file_format", [Format.JSONL, Format.CSV])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told(content: bytes, file_format: Format) -> None:
    found = import_pool(content, file_format)
    assert report(found).plain()["questions"] == 0
    assert not report(found).is_good
    with pytest.raises(BrokenPool, match="holds no question"):
        found.pool()


def test_what_is_no_parquet_is_refused() -> None:
    with pytest.raises(BrokenPool, match="not a Parquet file"):
        import_pool(b"PAR1 no", Format.PARQUET)


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(BrokenPool, match=r"dearena\[columns\]"):
        import_pool(b"", Format.PARQUET)


def test_broken_parquet_rows_are_told_by_row() -> None:
    found = import_pool(as_parquet([{"text": "x"}, {"text": None}, {"text": " "}]), Format.PARQUET)
    with pytest.raises(BrokenPool, match=r"pool row 2: has neither text nor turns \(and 1 more broken row\)"):
        found.pool()


def test_turns_and_text_may_be_mixed_but_not_in_one_row() -> None:
    rows: list[dict[str, Any]] = [{"text": "a"}, {"turns": ["b", "c"]}, {"text": "d", "turns": ["e"]}]
    found = import_pool(as_jsonl(rows), Format.JSONL)
    assert [entry.question.turns for entry in found.entries] == [("a",), ("b", "c")]
    assert [(one.place, one.why) for one in found.broken] == [(3, "has text and turns; one of them must go")]
    assert "JSON list" in csv_of("turns\nno list\n").broken[0].why


@pytest.mark.parametrize("file_format", Format)
def test_a_question_has_a_largest_size(file_format: Format) -> None:
    rows = [{"id": "a", "text": "y" * ((1 << 20) - 1)}, {"id": "b", "text": "y" * (1 << 20)}]
    content = {Format.JSONL: as_jsonl, Format.CSV: as_csv, Format.PARQUET: as_parquet}[file_format](rows)
    found = import_pool(content, file_format)
    assert [entry.question.query_id for entry in found.entries] == ["a"]
    assert "1,048,577 bytes; at most 1,048,576" in found.broken[0].why
    assert report(found).characters["most"] == (1 << 20) - 1


def test_a_report_counts() -> None:
    rows = [
        {"text": "What is the capital of France?", "reference": "Paris", "category": "geo", "license": "MIT"},
        {"text": "what is the capital of  France", "reference": "paris", "source": "s"},
        {"text": "what is the capital of France", "reference": "Lyon"},
        {"text": "Was ist die Hauptstadt von Frankreich und wie groß ist sie?"},
        {"text": "法国的首都是哪里?"},
        {"text": "😀"},
    ]
    plain = report(import_pool(as_jsonl(rows), Format.JSONL)).plain()
    assert plain["questions"] == 6
    assert plain["near_duplicates"] == 1
    assert plain["conflicting_references"] == 1
    assert plain["with_reference"] == 3
    assert plain["languages"] == {"english": 3, "chinese": 1, "german": 1, "no letters": 1}
    assert plain["categories"] == {"": 5, "geo": 1}
    assert plain["licences"] == {"": 5, "MIT": 1}
    assert plain["characters"] == {"least": 1, "5 %": 1, "median": 29, "95 %": 59, "most": 59}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.jsonl", Format.JSONL), ("A.CSV", Format.CSV), ("b.parquet", Format.PARQUET), ("c.csv.gz", Format.CSV)],
)
def test_a_name_tells_the_format(name: str, expected: Format) -> None:
    assert format_of(name) is expected


def test_a_name_may_tell_no_format() -> None:
    with pytest.raises(InvalidField, match="--format"):
        format_of("questions.txt")
