"""What the first arena tells at its end."""

import json

import pytest

from dearena.local import demo
from dearena.sparring import planted
from dearena.v1 import common_pb2, scorer_pb2


def board(strengths: dict[str, float]) -> scorer_pb2.Board:
    ranked = sorted(strengths, key=lambda slug: -strengths[slug])
    return scorer_pb2.Board(
        dimension="projects/default/dimensions/algebra",
        settled=True,
        connected=True,
        rows=[
            scorer_pb2.BoardRow(model=f"{slug}@1", rank=place, strength=strengths[slug])
            for place, slug in enumerate(ranked, start=1)
        ],
        outcomes=scorer_pb2.OutcomeCounts(a=5, b=4, flip=3),
        judge_calls=24,
        judge_cost=common_pb2.Money(currency="USD", nano_units=1_500_000),
    )


@pytest.mark.parametrize(("sign", "correlation"), [(1, 1.0), (-1, -1.0)])
def test_a_board_in_the_planted_order_correlates_fully(sign: int, correlation: float) -> None:
    strengths = {slug: sign * skill for slug, skill in planted.truth(2, demo.MODELS).items()}
    assert demo.spearman_with_skill(2, board(strengths)) == pytest.approx(correlation)


def test_totals_are_sums_over_dimensions_and_the_summary_is_json() -> None:
    one = demo.Ranked(0, "algebra", board(planted.truth(0, demo.MODELS)), 1.0)
    other = demo.Ranked(0, "sharing", board(planted.truth(1, demo.MODELS)), 0.5)
    found = json.loads(json.dumps(demo.summary([one, other], {"start": 5.04, "ranking": 60.0})))
    assert found["judge_calls"] == 48
    assert found["judge_cost_nano_units"] == 3_000_000
    assert found["outcomes"] == {
        **dict.fromkeys(("tie", "invalid", "failed", "void", "skipped"), 0),
        "a": 10,
        "b": 8,
        "flip": 6,
    }
    assert found["spearman"] == 0.75
    assert found["seconds"] == {"start": 5.0, "ranking": 60.0}
