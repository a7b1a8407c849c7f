"""A board says which judges count nothing."""

from dearena.cli import leaderboard
from dearena.v1 import scorer_pb2
from tests.unit.cli.test_rendering import row_of, seen


def test_a_suspended_judge_is_ranked_and_said_to_be_suspended() -> None:
    board = scorer_pb2.Board(
        board_version=4,
        settled=True,
        connected=True,
        rows=[
            scorer_pb2.BoardRow(model="kappa@1", rank=1, votes=4, judge_weight=65_536),
            scorer_pb2.BoardRow(model="mu@1", rank=2, votes=4, suspended=True),
        ],
        outcomes=scorer_pb2.OutcomeCounts(a=4),
    )
    text = seen(leaderboard.rendered(board))
    assert row_of(text, "1 ").endswith("1.00")
    assert row_of(text, "2 ").endswith("suspended")
    assert "note: suspended as judges, so that their votes count nothing: mu@1\n" in text
    board.rows[1].suspended = False
    assert "suspended" not in seen(leaderboard.rendered(board))
