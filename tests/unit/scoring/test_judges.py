"""The judge report, on a jury of known characters."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from dearena.scoring import FitSettings, Outcome, Votes, fit
from dearena.scoring.arrays import FloatArray
from dearena.scoring.reports.judges import (
    ALWAYS_TIES,
    DISAGREES,
    FAVOURS_FAMILY,
    MOSTLY_UNDECIDED,
    PREFERS_FIRST,
    PREFERS_SECOND,
    JudgeRow,
    judge_report,
)
from dearena.scoring.seats import FIRST, SECOND, TIE, UNSAID
from tests.unit.scoring.planted import coverage_votes, shuffled

MODELS, QUERIES, VOTES = 8, 30, 500
CONTESTANTS = [f"m{model}@1" for model in range(MODELS)]
HONEST = [f"honest-{number}@1" for number in range(6)]
ODD = ["coin@1", "first@1", "inverted@1", "kin@1", "second@1", "shrug@1"]
FAMILIES = {f"m{model}": "even" if model % 2 == 0 else "odd" for model in range(MODELS)} | {"kin": "odd"}


def verdict_chances(judge: str, difference: FloatArray, kinship: FloatArray, order: int) -> FloatArray:
    """Chance that a judge prefers the vote's first model, which sits second where `order` is 1."""
    match judge.partition("@")[0]:
        case "coin":
            return np.full(len(difference), 0.5)
        case "first":
            return np.full(len(difference), 1.0 - order)
        case "second":
            return np.full(len(difference), float(order))
        case "inverted":
            return np.asarray(expit(-2 * difference))
        case "kin":
            return np.asarray(expit(1.5 * difference + 3 * kinship))
    return np.asarray(expit(1.5 * difference))


def jury(looks: int) -> Votes:
    """Each judge's votes, of one look with the seats drawn by lot, or of one in each order."""
    chance = np.random.default_rng(7)
    appeal = np.linspace(1.5, -1.5, MODELS)[:, None] + chance.normal(0, 0.5, (MODELS, QUERIES))
    odd = np.arange(MODELS) % 2
    columns: list[list[np.ndarray]] = [[], [], [], [], [], []]
    judges = HONEST + ODD
    for number, judge in enumerate(judges):
        first, second = np.argsort(chance.random((VOTES, MODELS)), axis=1)[:, :2].T
        query = chance.integers(0, QUERIES, VOTES)
        difference, kinship = appeal[first, query] - appeal[second, query], odd[first] - odd[second]
        seats = np.full((VOTES, 2), UNSAID)
        for order in (0, 1):
            prefers = chance.random(VOTES) < verdict_chances(judge, difference, kinship, order)
            seats[:, order] = np.where(prefers == (order == 0), FIRST, SECOND)
        if judge == "shrug@1":
            seats[:] = TIE
        prefers_first = np.where(seats == TIE, 2, np.where((seats == FIRST) == (np.array([0, 1]) == 0), 0, 1))
        if looks == 1:
            shown, rows = chance.integers(0, 2, VOTES), np.arange(VOTES)
            outcome = prefers_first[rows, shown]
            seats[rows, 1 - shown] = UNSAID
        else:
            outcome = np.where(prefers_first[:, 0] == prefers_first[:, 1], prefers_first[:, 0], 3)
        made = (np.full(VOTES, number), first, second, query, outcome, seats)
        for column, values in zip(columns, made, strict=True):
            column.append(values)
    judge_column, first, second, query, outcome, seats = (np.concatenate(column) for column in columns)
    return Votes.of_codes(
        models=CONTESTANTS,
        judges=judges,
        queries=[f"q{number:02d}" for number in range(QUERIES)],
        judge=judge_column,
        first=first,
        second=second,
        query=query,
        outcome=outcome,
        seats=seats,
    )


@pytest.fixture(scope="module")
def once() -> dict[str, JudgeRow]:
    votes = jury(1)
    return {row.judge: row for row in judge_report(votes, fit(votes), families=FAMILIES)}


@pytest.fixture(scope="module")
def twice() -> dict[str, JudgeRow]:
    votes = jury(2)
    return {row.judge: row for row in judge_report(votes, fit(votes), families=FAMILIES)}


@pytest.mark.parametrize(
    ("judge", "notes"),
    [
        ("coin@1", {DISAGREES}),
        ("first@1", {DISAGREES, PREFERS_FIRST}),
        ("second@1", {DISAGREES, PREFERS_SECOND}),
        ("inverted@1", {DISAGREES}),
        ("shrug@1", {ALWAYS_TIES}),
        *((judge, set()) for judge in HONEST),
    ],
)
def test_characters_are_seen_from_single_looks(once: dict[str, JudgeRow], judge: str, notes: set[str]) -> None:
    assert set(once[judge].notes) == notes


def test_whoever_favours_its_family_is_seen(once: dict[str, JudgeRow]) -> None:
    kin = once["kin@1"]
    assert FAVOURS_FAMILY in kin.notes
    assert kin.family is not None
    assert kin.family.low > 2
    assert once["honest-0@1"].family is None


def test_seats_are_read_from_flips_too(twice: dict[str, JudgeRow]) -> None:
    """A judge who always takes the first seat has no vote that counts, but its seats are kept."""
    first = twice["first@1"]
    assert first.votes == 0
    assert first.rates[Outcome.FLIP] == 1
    assert first.first_seat is not None
    assert first.first_seat.value == 1
    assert 0.8 < first.first_seat.low < first.first_seat.high == 1
    assert set(first.notes) == {MOSTLY_UNDECIDED, PREFERS_FIRST}
    assert first.agreement is None
    assert first.tie_rate is None


def test_both_orders_are_even_handed_whatever_the_answers(twice: dict[str, JudgeRow]) -> None:
    for judge in HONEST:
        seat = twice[judge].first_seat
        assert seat is not None
        assert seat.value == pytest.approx(0.5, abs=0.05)


def test_agreement_is_chance_corrected(once: dict[str, JudgeRow]) -> None:
    kappa = {judge: row.agreement.kappa for judge, row in once.items() if row.agreement}
    assert "shrug@1" not in kappa
    assert kappa["coin@1"] == pytest.approx(0, abs=0.12)
    assert kappa["inverted@1"] < -0.3
    assert all(kappa[judge] > 0.4 for judge in HONEST)


def test_rates_are_shares_of_all_cells(once: dict[str, JudgeRow]) -> None:
    for row in once.values():
        assert sum(row.rates.values()) == pytest.approx(1)
        assert row.cells == VOTES
    assert once["shrug@1"].tie_rate == 1
    assert once["shrug@1"].tie_rate_others == 0
    assert once["coin@1"].tie_rate_others == pytest.approx(1 / 11)


def test_weights_are_those_of_the_board() -> None:
    votes = coverage_votes(0, 10)
    found = fit(votes)
    report = judge_report(votes, found)
    assert [row.weight for row in report] == (found.judging.parts / 65_536).tolist()
    assert {row.reliability for row in report} == {None}
    assert {row.worth for row in report} == {None}
    assert {row.first_seat for row in report} == {None}


def test_reliability_is_the_discrimination_of_the_fit() -> None:
    votes = jury(1)
    rows = {row.judge: row for row in judge_report(votes, fit(votes, FitSettings(weighting="reliability")))}
    reliability = {judge: row.reliability for judge, row in rows.items() if row.reliability is not None}
    assert np.mean(list(reliability.values())) == pytest.approx(1)
    assert reliability["inverted@1"] < reliability["coin@1"] < min(reliability[judge] for judge in HONEST)
    assert DISAGREES in rows["coin@1"].notes


def test_many_fair_judges_are_not_called_partial_by_chance() -> None:
    """Of 96 fair judges, a one-sided error of 2.5 % each would name two or three."""
    named, above = 0, 0
    for seed in range(6):
        votes = coverage_votes(seed, 25)
        families = {f"m{model:02d}": str(model % 4) for model in range(16)}
        for row in judge_report(votes, fit(votes), families=families):
            assert row.family is not None
            named += FAVOURS_FAMILY in row.notes
            above += row.family.low > 0
    assert named <= 1 < above


def test_worth_is_the_variance_that_a_judge_removes() -> None:
    votes = coverage_votes(1, 30)
    found = fit(votes)
    report = judge_report(votes, found, costs={"m03": 900, "m04": 1_800, "unknown": 5}, costs_currency="USD")
    worth = report[3].worth
    assert report[5].worth is None
    assert worth is not None
    without = fit(votes.where(votes.judge != 3))
    removed = np.mean(np.diag(without.covariance)) - np.mean(np.diag(found.covariance))
    assert worth.variance_removed == pytest.approx(removed)
    assert worth.currency == "USD"
    assert worth.per_variance == (pytest.approx(900 / removed) if removed > 0 else None)


def test_a_jury_of_one_is_reported() -> None:
    votes = coverage_votes(2, 30)
    alone = votes.where(votes.judge == 4)
    report = judge_report(alone, fit(alone), costs={"m04": 10})
    assert report[4].worth is None
    assert report[4].votes == len(alone)
    assert report[4].agreement is None
    assert report[0].rates == {}


def test_a_report_does_not_depend_on_the_order_of_votes() -> None:
    votes = coverage_votes(3, 10, undecided=0.2)
    families = {f"m{model:02d}": str(model % 3) for model in range(16)}
    one = judge_report(votes, fit(votes), families=families)
    other = votes.where(np.random.default_rng(2).permutation(len(votes)))
    assert one == judge_report(other, fit(other), families=families)
    turned = shuffled(votes, 2)
    by_name = judge_report(turned, fit(turned), families=families)
    assert [replace(row, rates={}) for row in one] == [replace(row, rates={}) for row in by_name]


@pytest.mark.parametrize("flips", ["leave", "half"])
def test_flips_count_as_ties_only_where_the_fit_reads_them_so(flips: str) -> None:
    votes = coverage_votes(4, 20, undecided=0.2)
    settings = FitSettings(flips=flips, ties="davidson")
    report = judge_report(votes, fit(votes, settings))
    flipped = int(np.sum(votes.outcome == 3))
    assert sum(row.votes for row in report) == np.sum(votes.outcome <= 2) + (flipped if flips == "half" else 0)
    assert report[0].tie_rate == judge_report(votes, fit(votes))[0].tie_rate


def test_no_votes_have_a_report() -> None:
    votes = coverage_votes(5, 4).where(slice(0, 0))
    rows = judge_report(votes, fit(votes))
    assert len(rows) == 16
    assert all(replace(row, judge="", weight=1.0) == replace(rows[0], judge="", weight=1.0) for row in rows)
