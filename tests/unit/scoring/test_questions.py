"""Several queries may ask one question: clusters are questions, answers belong to queries."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from dearena.faults import InvalidField
from dearena.scoring import Evidence, Fit, FitSettings, Votes, fit
from dearena.scoring.reports.bootstrap import bootstrap_by_question
from dearena.scoring.reports.favour import favours
from dearena.scoring.reports.judges import judge_report
from dearena.scoring.settings import LARGEST_PRIOR, SMALLEST_PRIOR
from tests.unit.scoring.boards import assert_same_bits, every_rule
from tests.unit.scoring.planted import coverage_votes, votes_by_appeal

MODELS, QUERIES = 8, 12


def repeated(votes: Votes) -> dict[str, str]:
    """Every question asked by two queries, its names in an order that is not the queries'."""
    half = len(votes.queries) // 2
    return {query: f"asked-{half - number % half:02d}" for number, query in enumerate(votes.queries)}


def merged(votes: Votes, question_of: dict[str, str]) -> Votes:
    """Votes that know of questions only."""
    asked = sorted(set(question_of.values()))
    place = np.array([asked.index(question_of[query]) for query in votes.queries])
    return replace(votes, queries=tuple(asked), query=place[votes.query].astype(np.int32))


@every_rule
def test_a_board_by_question_is_one_whose_queries_are_the_questions(rule: FitSettings) -> None:
    votes = coverage_votes(3, 20)
    found = fit(votes.with_questions(repeated(votes)), rule)
    assert_same_bits(found, fit(merged(votes, repeated(votes)), rule))
    assert found.clusters.questions == len(votes.queries) // 2
    assert not np.array_equal(found.covariance, fit(votes, rule).covariance)


def test_a_query_that_is_not_named_asks_the_question_of_its_own_name() -> None:
    votes = coverage_votes(0, 2)
    first, second, third = votes.queries[:3]
    asked = votes.with_questions({second: first, third: "another"})
    assert asked.questions is not None
    assert asked.questions[0] == asked.questions[1] != asked.questions[2]
    assert asked.question_count == len(votes.queries) - 1
    assert_array_equal(asked.question, asked.questions[votes.query])
    assert_array_equal(asked.where(slice(5)).question, asked.question[:5])


def test_where_no_two_queries_ask_the_same_each_is_its_question() -> None:
    votes = coverage_votes(0, 2)
    for question_of in ({}, {query: f"of {query}" for query in votes.queries}):
        asked = votes.with_questions(question_of)
        assert asked.questions is None
        assert asked.question is votes.query
        assert asked.question_count == len(votes.queries)


def test_numbers_of_questions_do_not_grow() -> None:
    votes = coverage_votes(0, 2)
    asked = votes.with_questions(repeated(votes))
    assert_same_bits(fit(Evidence(asked)), fit(asked))
    for held, fresh in ((asked, votes), (votes, asked)):
        with pytest.raises(ValueError, match="share questions"):
            Evidence(held).add(fresh)


def test_questions_are_drawn_whole() -> None:
    votes = coverage_votes(1, 20)
    drawn, expected = (
        bootstrap_by_question(one, FitSettings(), draws=100)
        for one in (votes.with_questions(repeated(votes)), merged(votes, repeated(votes)))
    )
    assert drawn is not None
    assert expected is not None
    assert drawn.questions == len(votes.queries) // 2
    assert_array_equal(drawn.errors, expected.errors)


def report(votes: Votes) -> tuple[Fit, list[tuple[float, float]]]:
    found = fit(votes)
    shares = [row.agreement.share for row in judge_report(votes, found) if row.agreement is not None]
    return found, [(share.low, share.high) for share in shares]


def test_agreement_is_as_sure_as_the_questions_make_it() -> None:
    votes = coverage_votes(1, 20)
    asked = report(votes.with_questions(repeated(votes)))[1]
    assert asked == report(merged(votes, repeated(votes)))[1]
    assert asked != report(votes)[1]


def test_favour_takes_answers_by_query_and_its_error_by_question() -> None:
    chance = np.random.default_rng(5)
    own = np.arange(MODELS) % 2
    appeal = chance.normal(0, 1, (MODELS, QUERIES))
    names = [f"m{model}@1" for model in range(MODELS)]
    votes = votes_by_appeal(appeal, 0.5 * (own[:, None] == own[None, :]), 3_000, 1, names)
    families = {f"m{model}": f"house-{own[model]}" for model in range(MODELS)}
    plain, asked = (
        favours(one, FitSettings(), families).family for one in (votes, votes.with_questions(repeated(votes)))
    )
    for by_query, by_question in zip(plain, asked, strict=True):
        assert by_query is not None
        assert by_question is not None
        assert by_question.premium == by_query.premium
        assert by_question.error != by_query.error
        assert (by_query.questions, by_question.questions) == (QUERIES, QUERIES // 2)


@pytest.mark.parametrize("wrong", [0.0, -1.0, SMALLEST_PRIOR / 2, LARGEST_PRIOR * 2, float("inf"), float("nan")])
def test_a_prior_that_holds_nothing_or_everything_is_refused(wrong: float) -> None:
    with pytest.raises(InvalidField, match=r"from 0\.001 to 1,000"):
        FitSettings(prior_deviation=wrong)
    assert FitSettings(prior_deviation=SMALLEST_PRIOR).prior_deviation == SMALLEST_PRIOR
