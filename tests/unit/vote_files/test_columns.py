"""What is made of rows before a fit: attempts, doubles, dimensions, questions, seats."""

from pathlib import Path
from typing import Any

import numpy as np

from dearena.scoring import fit, seats
from dearena.scoring.boards.vote_rows import log_of
from dearena.scoring.votes import WINNERS
from dearena.vote_files import VoteColumns, read
from tests.unit.scoring.voted import SCORE, planted
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


def test_votes_of_drawn_judges_fit_as_they_do_on_their_board(tmp_path: Path) -> None:
    _, rows = planted(4, models=6, queries=4)
    rows = [row._replace(draw=20_000 * (1 + int(row.judge[6:8]))) for row in rows]
    lines = [
        vote(judge=row.judge, model_a=row.model_a, model_b=row.model_b, query_id=row.query_id, winner=None,
             outcome=str(row.outcome), cell_id=row.cell_id, attempt=1, draw=row.draw)
        for row in rows
    ]  # fmt: skip
    found, expected = columns(tmp_path, *lines).last_attempts().votes(), log_of(rows).counted().votes
    assert found.weight is not None
    np.testing.assert_array_equal(fit(found, SCORE).strengths, fit(expected, SCORE).strengths)
    np.testing.assert_array_equal(fit(found, SCORE).low, fit(expected, SCORE).low)


def test_draws_that_are_even_or_alike_are_no_weights(tmp_path: Path) -> None:
    assert columns(tmp_path, vote(draw=65_536), vote(query_id="q2")).votes().weight is None
    assert columns(tmp_path, vote(draw=20_000), vote(query_id="q2", draw=20_000)).votes().weight is None


def test_a_weight_is_multiplied_by_what_the_draw_asks_for(tmp_path: Path) -> None:
    votes = columns(tmp_path, vote(weight=2, draw=32_768), vote(query_id="q2", weight=6)).votes()
    assert votes.weight is not None
    np.testing.assert_allclose(votes.weight * votes.unit, [2 * 4 / 3, 6 * 2 / 3], rtol=1e-5)
