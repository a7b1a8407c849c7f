"""What is made of rows before a fit: attempts, doubles, dimensions, questions, seats."""

from pathlib import Path
from typing import Any

from dearena.scoring import seats
from dearena.scoring.votes import WINNERS
from dearena.vote_files import VoteColumns, read
from tests.unit.vote_files.files import jsonl, vote


def columns(tmp_path: Path, *rows: dict[str, Any]) -> VoteColumns:
    return read(jsonl(tmp_path / "votes.jsonl", list(rows)))


def outcomes(found: VoteColumns) -> list[str]:
    words = {code: word for word, code in WINNERS.items()}
    return [words[code] for code in found.outcome.tolist()]


def test_only_the_last_attempt_of_a_cell_counts(tmp_path: Path) -> None:
    rows = [
        vote(cell_id="c1", attempt=2, winner=None, outcome="B"),
        vote(cell_id="c1", attempt=1, winner=None, outcome="FAILED"),
        vote(cell_id="c2", attempt=1, winner=None, outcome="TIE"),
        vote(cell_id="c1", attempt=10, winner=None, outcome="A"),
    ]
    assert outcomes(columns(tmp_path, *rows).last_attempts()) == ["TIE", "A"]


def test_an_outcome_recorded_twice_counts_once(tmp_path: Path) -> None:
    again = vote(cell_id="c1", attempt=1)
    assert len(columns(tmp_path, again, again).last_attempts()) == 1


def test_without_a_cell_id_the_judge_pair_and_question_are_the_cell(tmp_path: Path) -> None:
    rows = [
        vote(attempt=1, winner=None, outcome="FAILED"),
        vote(attempt=2, model_a="beta", model_b="alpha", winner="b"),
        vote(attempt=1, query_id="q2", winner="tie"),
    ]
    assert outcomes(columns(tmp_path, *rows).last_attempts()) == ["B", "TIE"]


def test_rows_without_attempt_and_cell_are_votes_of_their_own(tmp_path: Path) -> None:
    found = columns(
        tmp_path, vote(), vote(), vote(cell_id="c1"), vote(model_a="beta", model_b="alpha"), vote(judge="d")
    )
    assert len(found.last_attempts()) == 5
    assert found.doubled() == 3


def test_a_dimension_holds_its_own_names_only(tmp_path: Path) -> None:
    found = columns(tmp_path, vote(dimension="x"), vote(dimension="y", model_a="gamma", judge="dave"), vote())
    assert sorted(found.dimensions) == ["", "x", "y"]
    votes = found.of_dimension("y").votes()
    assert (votes.models, votes.judges) == (("beta", "gamma"), ("dave",))
    assert len(found.of_dimension("")) == 1


def test_who_sat_first_is_told_where_the_file_tells_it(tmp_path: Path) -> None:
    votes = columns(tmp_path, vote(first="a"), vote(first="b"), vote()).votes()
    assert votes.seats is not None
    assert votes.seats.tolist() == [
        [seats.FIRST, seats.UNSAID],
        [seats.UNSAID, seats.SECOND],
        [seats.UNSAID, seats.UNSAID],
    ]


def test_judges_are_left_out_by_name(tmp_path: Path) -> None:
    found = columns(tmp_path, vote(), vote(judge="dave")).without_judges({"dave", "nobody"})
    assert found.votes().judges == ("carol",)
