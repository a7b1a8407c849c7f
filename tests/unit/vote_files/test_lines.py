"""Lines of JSON: what is read, and what is refused with its line."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.scoring import Outcome, Votes
from dearena.scoring.outcomes import CODES
from dearena.vote_files import BrokenVoteFile, builder, lines, read
from tests.unit.vote_files.files import Absent, jsonl, vote


@pytest.mark.parametrize("name", ["votes.jsonl", "votes.jsonl.gz", "votes", "packed.gz"])
def test_a_file_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    rows = [vote(), vote(winner="b", query_id="q2"), vote(winner="tie", judge="dave")]
    votes = read(jsonl(tmp_path / name, rows)).votes()
    assert (votes.models, votes.judges, votes.queries) == (("alpha", "beta"), ("carol", "dave"), ("q1", "q2"))
    assert votes.outcome.tolist() == [0, 1, 2]
    assert (votes.query.tolist(), votes.judge.tolist()) == ([0, 1, 0], [0, 0, 1])
    assert votes.weight is None
    assert votes.seats is None


names = st.sampled_from(["a", "b", "c@1", "ä ö", "日本", '"quoted"', "back\\slash"])


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"judge": st.sampled_from(["j1", "j2"]), "model_a": names, "model_b": names, "query_id": names,
             "winner": st.sampled_from(["a", "b", "tie"])},
            optional={"weight": st.one_of(st.none(), st.integers(0, 9)), "comment": st.text()},
        ).filter(lambda row: row["model_a"] != row["model_b"]),
        min_size=1,
    ),
    ascii_only=st.booleans(),
    block=st.integers(1, 400),
)  # fmt: skip
def test_lines_are_the_columns_they_say(rows: list[dict[str, Any]], *, ascii_only: bool, block: int) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    built = builder.Builder("votes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        lines.read(io.BytesIO(text.encode("utf-8", "surrogatepass")), "votes", built)
    found = built.built().votes()
    weights = [row.get("weight") for row in rows]
    expected = Votes.of_columns(
        **{name: [row[name] for row in rows] for name in ("judge", "model_a", "model_b", "winner")},
        query=[row["query_id"] for row in rows],
        weight=None if weights.count(None) == len(rows) else [1 if one is None else one for one in weights],
    )
    assert (found.models, found.judges, found.queries) == (expected.models, expected.judges, expected.queries)
    for column in ("judge", "first", "second", "query", "outcome", "weight"):
        np.testing.assert_array_equal(getattr(found, column), getattr(expected, column))
    assert found.unit == expected.unit


def test_an_outcome_decides_and_the_winner_may_be_null(tmp_path: Path) -> None:
    rows = [vote(outcome=str(outcome), winner=None) for outcome in Outcome]
    rows += [vote(outcome="A"), vote(outcome="FLIP", winner=Absent), vote(outcome=None, winner="b")]
    expected = [*CODES.values(), CODES[Outcome.A], CODES[Outcome.FLIP], CODES[Outcome.B]]
    assert read(jsonl(tmp_path / "votes.jsonl", rows)).outcome.tolist() == expected


def test_numbers_of_queries_are_names_of_them(tmp_path: Path) -> None:
    columns = read(jsonl(tmp_path / "votes.jsonl", [vote(query_id=7), vote(query_id="7"), vote(query_id=8)]))
    assert columns.queries == ("7", "8")
    assert columns.query.tolist() == [0, 0, 1]


def test_blank_lines_byte_order_marks_and_carriage_returns_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    line = json.dumps(vote())
    file.write_bytes(b"\xef\xbb\xbf" + f"\n{line}\r\n\r\n  \n{line}".encode())
    assert len(read(file)) == 2


BROKEN = {
    "broken JSON": ('{"judge": ', "is no JSON"),
    "no object": ("[1, 2]", "is no JSON object"),
    "two objects": (json.dumps(vote()) + "," + json.dumps(vote()), "is no JSON"),
    "too deep": ("[" * 100_000, "is no JSON"),
    "a missing field": (vote(judge=Absent), "judge is missing"),
    "a null": (vote(query_id=None), "query_id is missing"),
    "no winner": (vote(winner=None), "winner is missing"),
    "an empty name": (vote(model_b=""), "model_b is empty"),
    "a blank name": (vote(judge=" \t"), "judge is empty"),
    "a number for a name": (vote(model_a=3), "model_a 3 is no text"),
    "a list for a name": (vote(model_a=["x"]), 'model_a ["x"] is no text'),
    "half a character": (vote(model_a="\ud800"), "is not Unicode text"),
    "an unknown winner": (vote(winner="c"), 'winner "c" is none of a, b, tie'),
    "a winner that is no word": (vote(winner={"a": 1}), "is no text"),
    "an unknown outcome": (vote(outcome="LOST"), 'outcome "LOST" is none of A, B, TIE'),
    "two stories": (vote(outcome="B"), 'outcome "B" and winner "a" contradict'),
    "a negative weight": (vote(weight=-1), "weight -1 is neither 0 nor a number"),
    "no number": (vote(weight=float("nan")), "weight NaN is neither 0 nor a number"),
    "an endless weight": (vote(weight=float("inf")), "weight Infinity is neither 0 nor a number"),
    "a weight too large": (vote(weight=10**400), "weight 1000"),
    "a weight in words": (vote(weight="2"), 'weight "2" is neither 0 nor a number'),
    "a true weight": (vote(weight=True), "weight true is neither 0 nor a number"),
    "a weight beyond sums": (vote(weight=1e300), "weight 1e+300 is neither 0 nor a number up to 1e+12"),
    "a weight below them": (vote(weight=1e-300), "weight 1e-300 is neither"),
    "an order to the terminal": (vote(judge="\x1b[2J"), "holds a control character"),
    "half an attempt": (vote(attempt=1.5), "attempt 1.5 is no whole number"),
    "a judge never drawn": (vote(draw=0), "draw 0 is no whole number from 1 up"),
    "half a draw": (vote(draw=0.5), "draw 0.5 is no whole number from 1 up"),
    "an unknown seat": (vote(first="c"), 'first "c" is none of a, b'),
    "self-play": (vote(model_b="alpha"), '"alpha" is compared with itself'),
    "its own judge": (vote(judge="beta"), '"beta" judges its own answer'),
}


@pytest.mark.parametrize("line", [1, 3, 700])
@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_cannot_be_used_is_named_by_file_and_line(tmp_path: Path, name: str, line: int) -> None:
    broken, complaint = BROKEN[name]
    rows: list[Any] = [vote(query_id=f"q{number}") for number in range(1_000)]
    rows[line - 1] = broken
    file = jsonl(tmp_path / "votes.jsonl", rows)
    with pytest.raises(BrokenVoteFile) as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}, line {line}: ")
    assert complaint in str(refused.value)


def test_lines_are_counted_with_blank_ones(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "votes.jsonl", [vote(), "", "", vote(winner="c")])
    with pytest.raises(BrokenVoteFile, match="line 4: winner"):
        read(file)


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    (file := tmp_path / "votes.jsonl").write_bytes(json.dumps(vote()).encode() + b"\n\xff\n")
    with pytest.raises(BrokenVoteFile, match="line 2: is not UTF-8"):
        read(file)


@pytest.mark.parametrize("rows", [[], ["", "  "]])
def test_a_file_without_votes_is_refused(tmp_path: Path, rows: list[Any]) -> None:
    with pytest.raises(BrokenVoteFile, match="holds no votes"):
        read(jsonl(tmp_path / "votes.jsonl", rows))


@pytest.mark.parametrize("kept", [1 / 2, 0.99])
def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    file = jsonl(tmp_path / "votes.jsonl.gz", [vote(query_id=f"q{number * 7919 % 10007}") for number in range(9_000)])
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(BrokenVoteFile, match="cut off or damaged"):
        read(file)


def test_a_packed_file_that_is_damaged_is_refused(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "votes.jsonl.gz", [vote(query_id=f"q{number * 7919 % 10007}") for number in range(9_000)])
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 50] = bytes(50)
    file.write_bytes(whole)
    with pytest.raises(BrokenVoteFile):
        read(file)


def test_a_judge_may_judge_its_own_answer_where_that_is_said(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "votes.jsonl", [vote(judge="beta"), vote()])
    columns = read(file, own_votes=True)
    assert len(columns) == 2
    assert len(columns.without_own_votes()) == 1
