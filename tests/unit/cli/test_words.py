"""Numbers and states for people."""

import pytest

from dearena.cli import words
from dearena.v1 import common_pb2, ranker_pb2, scorer_pb2


@pytest.mark.parametrize(
    ("nano_units", "shown"),
    [
        (0, "0"),
        (1, "USD 0.000000001"),
        (1_234_567, "USD 0.0012"),
        (150_000_000, "USD 0.15"),
        (2_500_000_000, "USD 2.50"),
        (1_234_567_890_000, "USD 1,234.57"),
    ],
)
def test_money_shows_what_matters_of_it(nano_units: int, shown: str) -> None:
    assert words.money(common_pb2.Money(currency="USD", nano_units=nano_units)) == shown


def test_money_of_no_currency_is_given_none() -> None:
    assert words.money(common_pb2.Money(nano_units=150_000_000)) == "0.15"


@pytest.mark.parametrize(
    ("insertion", "shown"),
    [
        (ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_SEEDING), "among the seeds"),
        (ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_COARSE, low=0, high=5), "places 1 to 6"),
        (ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_COARSE, low=3, high=3), "place 4"),
        (ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_FINE, low=2, high=2), "place 3"),
        (ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_SETTLED, low=2, high=2, rank=4), "place 4"),
        (ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_WITHDRAWN), ""),
    ],
)
def test_places_count_from_one(insertion: ranker_pb2.Insertion, shown: str) -> None:
    assert words.places(insertion) == shown


def test_a_place_says_how_sure_it_is() -> None:
    settled = ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_SETTLED, rank=7, rank_low=6, rank_high=9)
    assert words.places(settled) == "place 7 (6-9)"
    settled.provisional = True
    assert words.places(settled) == "place 7 (6-9), provisional"


def test_outcomes_that_did_not_occur_are_left_out() -> None:
    assert words.outcomes(scorer_pb2.OutcomeCounts(a=1_200, flip=3)) == "A 1,200 · FLIP 3"
    assert words.outcomes(scorer_pb2.OutcomeCounts()) == "none yet"


def test_a_state_from_a_newer_service_is_its_number() -> None:
    assert words.phase(ranker_pb2.Insertion.FromString(b"\x18\x63")) == "99"


def test_a_rank_is_shown_with_what_it_may_be() -> None:
    assert words.rank(7, 6, 9) == "7 (6-9)"
    assert words.rank(7, 7, 7) == "7"
    assert words.rank(7, 0, 0) == "7"  # boards made before intervals were kept
    assert words.rank(0, 0, 0) == "retired"
