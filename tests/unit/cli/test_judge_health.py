"""What a person sees of judges' health."""

from dearena.cli import judge_health
from dearena.v1 import ranker_pb2
from tests.unit.cli.test_board_reports import lines


def test_a_suspended_judge_is_told_with_its_reason() -> None:
    bad = ranker_pb2.JudgeHealth(
        judge="mu@1", suspended=True, reason="is inverted", cells=1200, first_seat=3, second_seat=4, canaries_failed=9
    )
    good = ranker_pb2.JudgeHealth(judge="nu@1", cells=8, canaries_passed=2, agreed=5, disagreed=1)
    assert lines(judge_health.table([bad, good]))[1:] == [
        "mu@1 suspended: is inverted 1,200 0 0 3 : 4 0 · 0 · 9 0 : 0",
        "nu@1 judges 8 0 0 0 : 0 2 · 0 · 0 5 : 1",
    ]
