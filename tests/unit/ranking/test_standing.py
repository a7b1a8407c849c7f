"""Where a model stands by its own votes."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from dearena.outcomes import Outcome
from dearena.ranking.evidence import Ballot, Heard
from dearena.ranking.pairs import Pair, pairs_in_order
from dearena.ranking.standing import NANO, PRIOR_DEVIATION, Field, Standing, chance, standing_of

NEWCOMER = "m@1"
RANKING = ("a@1", "z@1", "b@1", "y@1")
STRENGTHS = dict(zip(RANKING, (1.5, 0.5, -0.4, -1.6), strict=True))
WORTH = {Outcome.A: 1.0, Outcome.TIE: 0.5, Outcome.B: 0.0}
HEARD = st.dictionaries(
    st.tuples(st.sampled_from(RANKING), st.sampled_from(["j@1", "k@1"]), st.sampled_from(["q1", "q2", "q3", "q4"])),
    st.sampled_from(Outcome),
    max_size=25,
)


def known(error: float = 0.2) -> Field:
    return Field(
        {model: round(strength * NANO) for model, strength in STRENGTHS.items()},
        dict.fromkeys(RANKING, round(error * NANO)),
    )


def standing(
    heard: Mapping[tuple[str, str, str], Outcome], error: float = 0.2, silent: tuple[str, ...] = ()
) -> Standing:
    by_pair: dict[Pair, dict[Ballot, Heard]] = {}
    for (opponent, judge, query), outcome in heard.items():
        by_pair.setdefault(Pair.of(NEWCOMER, opponent), {})[Ballot(judge, query)] = Heard(outcome, 1)
    heard_of = [(pair, by_pair[pair]) for pair in pairs_in_order(by_pair)]
    return standing_of(NEWCOMER, heard_of, RANKING, known(error), silent)


@given(HEARD)
def test_the_strength_is_the_maximum_of_the_likelihood_under_the_prior(
    heard: dict[tuple[str, str, str], Outcome],
) -> None:
    def loss(strength: float) -> float:
        total = strength**2 / (2 * PRIOR_DEVIATION**2)
        for (opponent, _, _), outcome in heard.items():
            if outcome not in WORTH:
                continue
            share = WORTH[outcome] if opponent > NEWCOMER else 1 - WORTH[outcome]
            gap = strength - STRENGTHS[opponent]
            total += share * np.logaddexp(0, -gap) + (1 - share) * np.logaddexp(0, gap)
        return float(total)

    best = minimize_scalar(loss, bounds=(-15, 15), method="bounded", options={"xatol": 1e-9}).x
    assert standing(heard).strength == pytest.approx(best, abs=1e-5)


def test_without_votes_it_is_the_priors() -> None:
    found = standing({})
    assert (found.strength, found.error) == (0.0, PRIOR_DEVIATION)
    assert (found.low, found.high, found.width) == (0, len(RANKING), len(RANKING) + 1)
    assert found.place == 2
    assert standing(dict.fromkeys([("a@1", "j@1", "q1")], Outcome.FAILED)) == found


@given(HEARD, st.floats(0, 1), st.floats(0, 1))
def test_the_less_is_known_of_the_others_the_wider_the_interval(
    heard: dict[tuple[str, str, str], Outcome], less: float, more: float
) -> None:
    less, more = sorted((less, more))
    sure, unsure = standing(heard, less), standing(heard, more)
    assert sure.strength == unsure.strength
    assert unsure.error >= sure.error
    assert unsure.low <= sure.low <= sure.place <= sure.high <= unsure.high
    assert sure.low <= sure.near_low <= sure.place <= sure.near_high <= sure.high


def test_one_whose_own_strength_is_unsure_may_stand_on_either_side_though_they_have_not_met() -> None:
    heard = {("z@1", f"j{n % 3}@1", f"q{n}"): Outcome.A if n % 2 else Outcome.B for n in range(40)}
    pair = Pair.of(NEWCOMER, "z@1")
    met = [(pair, {Ballot(judge, query): Heard(outcome, 1) for (_, judge, query), outcome in heard.items()})]
    sure = known()
    unsure = Field(sure.strengths, {**sure.errors, "y@1": 3 * NANO})
    found, wider = (standing_of(NEWCOMER, met, RANKING, field) for field in (sure, unsure))
    assert (wider.strength, wider.error) == (found.strength, found.error)
    assert wider.high == found.high + 1
    assert wider.near_high == found.near_high + 1


@given(HEARD)
def test_the_place_is_behind_all_that_are_stronger(heard: dict[tuple[str, str, str], Outcome]) -> None:
    found = standing(heard)
    assert found.place == sum(strength > found.strength for strength in STRENGTHS.values())


@given(HEARD)
def test_silent_judges_do_not_count(heard: dict[tuple[str, str, str], Outcome]) -> None:
    others = {key: outcome for key, outcome in heard.items() if key[1] != "k@1"}
    assert standing(heard, silent=("k@1",)) == standing(others)


def test_votes_on_one_query_tell_less_than_as_many_on_several() -> None:
    many = {("z@1", "j@1", f"q{n}"): Outcome.A if n % 3 else Outcome.B for n in range(12)}
    few = {("z@1", f"j{n}@1", f"q{n % 2}"): outcome for n, outcome in enumerate(many.values())}
    one = {("z@1", f"j{n}@1", "q"): outcome for n, outcome in enumerate(many.values())}
    assert standing(many).width <= standing(few).width <= standing(one).width
    assert standing(one).error == PRIOR_DEVIATION


@given(st.floats(-700, 700))
def test_chances_of_two_sum_to_one(gap: float) -> None:
    assert chance(gap) + chance(-gap) == pytest.approx(1)
