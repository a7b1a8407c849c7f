"""What the first seat is worth, fitted beside strengths, and taken off them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from dearena.faults import InvalidField
from dearena.scoring import Fit, FitSettings, Votes, fit
from dearena.scoring.arrays import FloatArray, IntArray, OutcomeCodes
from dearena.scoring.first_seat import CORRECT, LEAVE, seats_of_one_look
from dearena.scoring.reports.bootstrap import bootstrap_by_question
from dearena.scoring.reports.placing import place
from dearena.scoring.seats import UNSAID, of_one_look, unsaid
from dearena.scoring.style import Style
from dearena.scoring.weightings import WEIGHTINGS

MODELS, JUDGES, QUERIES = 8, 12, 40
NAMES = [f"m{model}@1" for model in range(MODELS)]
SKILL: FloatArray = np.linspace(1.2, -1.2, MODELS)


def world(seed: int, effect: float, votes: int = 3_000, first_share: float = 0.5, tie_share: float = 0.1) -> Votes:
    """Votes of one look; the first model of a pair sits first with this probability."""
    chance = np.random.default_rng(seed)
    first = chance.integers(0, MODELS, votes)
    second = (first + chance.integers(1, MODELS, votes)) % MODELS
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.where(chance.random(votes) < first_share, 0, 1)
    won = chance.random(votes) < expit(SKILL[low] - SKILL[high] + effect * (1 - 2 * order))
    outcome = np.where(won, 0, 1).astype(np.int8)
    outcome[chance.random(votes) < tie_share] = 2
    return of(chance.integers(0, JUDGES, votes), low, high, chance.integers(0, QUERIES, votes), outcome, order)


def of(
    judge: IntArray, low: IntArray, high: IntArray, query: IntArray, outcome: OutcomeCodes, order: IntArray
) -> Votes:
    return Votes.of_codes(
        models=NAMES,
        judges=[f"j{judge:02d}@1" for judge in range(JUDGES)],
        queries=[f"q{query:02d}" for query in range(QUERIES)],
        judge=judge,
        first=low,
        second=high,
        query=query,
        outcome=outcome,
        seats=of_one_look(outcome, order),
    )


def of_both_looks(votes: Votes) -> Votes:
    """The same preferences, as if both seat orders had said so."""
    a_first = np.where(votes.outcome == 2, 2, votes.outcome)
    b_first = np.where(votes.outcome == 2, 2, 1 - votes.outcome)
    return replace(votes, seats=np.column_stack([a_first, b_first]).astype(np.int8))


def same(one: Fit, other: Fit) -> bool:
    columns = ("strengths", "low", "high", "rank", "covariance")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in columns)


def error_of_the_ends(found: Fit) -> float:
    """Mean standard error of the first and the last model in canonical order."""
    return float(np.mean(np.sqrt(np.diag(found.covariance))[[0, -1]]))


@pytest.mark.parametrize("weighting", sorted(WEIGHTINGS))
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_votes_of_both_orders_are_fitted_to_the_bit_as_if_seats_were_unknown(weighting: str, ties: str) -> None:
    votes = of_both_looks(world(0, 0.0, votes=800))
    made = FitSettings(weighting=weighting, ties=ties)
    found, unknown = fit(votes, made), fit(replace(votes, seats=None), made)
    assert found.first_seat is None
    assert same(found, unknown)
    assert same(found, fit(votes, replace(made, first_seat=LEAVE)))
    flips = replace(votes, outcome=np.where(np.arange(len(votes)) % 7 == 0, 3, votes.outcome).astype(np.int8))
    assert fit(flips, replace(made, flips="half")).first_seat is None


@pytest.mark.parametrize("weighting", sorted(WEIGHTINGS))
@pytest.mark.parametrize("effect", [-0.7, 0.0, 1.0])
def test_a_planted_effect_is_found(weighting: str, effect: float) -> None:
    found = fit(world(1, effect, tie_share=0.0), FitSettings(weighting=weighting, ties="half"))
    assert found.first_seat is not None
    assert found.first_seat.votes == 3_000
    assert abs(found.first_seat.log_odds - effect) < 4 * found.first_seat.error < 0.4
    assert found.first_seat.low < effect < found.first_seat.high
    assert found.coefficients == found.coefficient_errors == {}


def test_where_the_lot_falls_unevenly_the_correction_takes_the_lean_off_the_strengths() -> None:
    votes = world(2, 1.0, first_share=0.85, tie_share=0.0)
    corrected, left = fit(votes), fit(votes, FitSettings(first_seat=LEAVE))
    errors = [np.sqrt(np.mean(np.square(found.strengths - SKILL))) for found in (corrected, left)]
    assert errors[0] < 0.15 < 2 * errors[0] < errors[1]
    assert left.first_seat is None


def test_intervals_know_that_the_effect_is_estimated() -> None:
    """Where the first model nearly always sits first, a lean can hardly be told from strength."""
    uneven, even = world(3, 0.5, first_share=0.97), world(3, 0.5)
    corrected, left = FitSettings(), FitSettings(first_seat=LEAVE)
    wider_uneven, wider_even = (
        error_of_the_ends(fit(votes, corrected)) / error_of_the_ends(fit(votes, left)) for votes in (uneven, even)
    )
    assert wider_uneven > 1.15
    assert wider_even < 1.05


@pytest.mark.parametrize("weighting", sorted(WEIGHTINGS))
def test_a_fit_depends_neither_on_the_order_of_votes_nor_on_that_of_models(weighting: str) -> None:
    votes = world(4, 0.8, votes=900)
    made = FitSettings(weighting=weighting)
    order = np.random.default_rng(1).permutation(len(votes))
    some = votes.where(order)
    turned = np.arange(len(some)) % 2 == 1
    assert some.seats is not None
    swapped = np.array([1, 0, 2], dtype=np.int8)[some.outcome]
    again = replace(
        some,
        first=np.where(turned, some.second, some.first),
        second=np.where(turned, some.first, some.second),
        outcome=np.where(turned, swapped, some.outcome),
        seats=np.where(turned[:, None], some.seats[:, ::-1], some.seats),
    )
    one, other = fit(votes, made), fit(again, made)
    assert same(one, other)
    assert one.first_seat == other.first_seat


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), effect=st.floats(-2, 2), share=st.floats(0, 1), both=st.floats(0, 1))
def test_any_mixture_of_looks_has_a_fit_and_only_single_looks_an_effect(
    seed: int, effect: float, share: float, both: float
) -> None:
    votes = world(seed, effect, votes=120, first_share=share)
    whole = of_both_looks(votes)
    assert votes.seats is not None
    assert whole.seats is not None
    twice = np.random.default_rng(seed).random(len(votes)) < both
    mixed = replace(votes, seats=np.where(twice[:, None], whole.seats, votes.seats))
    found = fit(mixed)
    once = int(np.count_nonzero(~twice))
    assert (found.first_seat.votes if found.first_seat else 0) == once
    assert np.all(np.isfinite(found.strengths))
    assert abs(np.sum(found.strengths)) < 1e-6
    assert np.all(found.low <= found.strengths)
    assert np.all(found.strengths <= found.high)


def test_signs_are_those_of_the_seats() -> None:
    votes = world(5, 0.0, votes=50)
    signs = seats_of_one_look(votes)
    assert signs is not None
    assert votes.seats is not None
    assert np.array_equal(signs == 1, votes.seats[:, 0] != UNSAID)
    assert np.array_equal(signs == -1, votes.seats[:, 1] != UNSAID)
    assert seats_of_one_look(replace(votes, seats=unsaid(50))) is None
    assert seats_of_one_look(replace(votes, seats=None)) is None


@pytest.mark.parametrize("weighting", ["uniform", "score", "reliability"])
def test_reports_beside_the_board_hold_the_effect_too(weighting: str) -> None:
    votes = world(6, 1.0, votes=900, first_share=0.8)
    made = FitSettings(weighting=weighting)
    found = fit(votes, made)
    assert np.array_equal(place(votes, made).strengths, found.strengths)
    assert np.array_equal(place(votes, made, held=found.judging).strengths, found.strengths)
    drawn = bootstrap_by_question(votes, made, draws=200)
    assert drawn is not None
    middle = (drawn.low + drawn.high) / 2
    left = fit(votes, replace(made, first_seat=LEAVE))
    assert np.abs(middle - found.strengths).mean() < 0.5 * np.abs(middle - left.strengths).mean()


def test_style_and_seat_are_controlled_for_beside_one_another() -> None:
    votes = world(7, 0.9, votes=4_000, tie_share=0.0)
    chance = np.random.default_rng(0)
    style = Style(("length",), tuple(NAMES), votes.queries, chance.integers(1, 500, (QUERIES, MODELS, 1)).astype(float))
    found = fit(votes, FitSettings(), style)
    assert set(found.coefficients) == {"length"}
    assert abs(found.coefficients["length"]) < 4 * found.coefficient_errors["length"]
    assert found.first_seat is not None
    assert abs(found.first_seat.log_odds - 0.9) < 4 * found.first_seat.error


def test_a_fit_that_leaves_the_seat_is_hashed_as_before_there_was_one() -> None:
    assert "first_seat" not in FitSettings(first_seat=LEAVE).echo()
    assert FitSettings().echo()["first_seat"] == CORRECT
    with pytest.raises(InvalidField):
        FitSettings(first_seat="ignore")
