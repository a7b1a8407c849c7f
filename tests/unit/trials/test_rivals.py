"""What a jury is compared with: every rival spends what it says, on cells that a fair arena could ask."""

import math

import numpy as np
import pytest

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.ranking.defaults import DEFAULT_SEED_MODELS
from dearena.scoring import FitSettings
from dearena.scoring.outcomes import CODES
from dearena.trials import rivals
from dearena.trials.boards import Cells
from dearena.trials.makers import makers
from dearena.trials.mass import Mass
from dearena.trials.measures import agreement
from dearena.trials.rivals import Spent
from dearena.trials.world import Planted

MODELS, QUERIES, CALLS = 14, 10, 3_000
WORLD = Planted.economy(0, MODELS, QUERIES)
SCORE = FitSettings()


def lots() -> np.random.Generator:
    return np.random.default_rng(7)


def spent_by(rival: str, settings: FitSettings = SCORE) -> Spent:
    mass = Mass(WORLD)
    match rival:
        case "random":
            return rivals.random(mass, CALLS, settings, lots())
        case "near":
            return rivals.near(mass, CALLS, settings, lots())
        case "makers":
            return makers(mass, settings, lots().permutation(MODELS))
        case _:
            return rivals.full(mass, settings)


def rows(cells: Cells) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(cells, name).tolist() for name in ("judge", "first", "second", "query")), strict=True))


@pytest.mark.parametrize("rival", ["random", "near", "makers", "full"])
def test_no_cell_is_asked_twice_and_no_model_judges_itself(rival: str) -> None:
    asked = rows(spent_by(rival).cells)
    assert len(set(asked)) == len(asked)
    assert all(judge not in (first, second) and first < second for judge, first, second, _ in asked)


@pytest.mark.parametrize("rival", ["random", "near"])
def test_a_rival_without_insertions_spends_exactly_what_it_may(rival: str) -> None:
    assert spent_by(rival).judge_calls == CALLS


def test_full_asks_everything() -> None:
    spent = spent_by("full")
    assert spent.judge_calls == rivals.most_calls(MODELS, QUERIES) == 2 * math.comb(MODELS, 2) * (MODELS - 2) * QUERIES


def test_full_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(InvalidField, match="memory"):
        rivals.full(Mass(Planted.economy(0, 200, 40)), SCORE)


def test_more_calls_than_there_are_cells_are_refused() -> None:
    mass = Mass(Planted.economy(0, 4, 1))
    with pytest.raises(InvalidField, match="not as many"):
        rivals.random(mass, rivals.most_calls(4, 1) + 2, SCORE, lots())


def test_near_pairs_that_have_all_been_asked_are_not_drawn_for_ever() -> None:
    with pytest.raises(InvalidField, match="hardly as many"):
        rivals.near(Mass(Planted.economy(0, 20, 1)), rivals.most_calls(20, 1), SCORE, lots())


def test_near_pairs_are_near_on_the_board_so_far() -> None:
    order = np.arange(30)[::-1].copy()
    first, second = rivals._near_pairs(order, lots(), 5_000)
    gaps = np.abs(first - second)
    assert set(gaps.tolist()) == {1, 2, 3, 4}
    assert set(first.tolist()) | set(second.tolist()) == set(range(30))


def test_random_pairs_are_uniform() -> None:
    first, second = rivals._any_pairs(6, lots(), 15_000)
    met = np.bincount(first * 6 + second, minlength=36).reshape(6, 6)
    assert np.all(np.tril(met) == 0)
    share = met[np.triu_indices(6, 1)] / 15_000
    assert np.allclose(share, 1 / 15, atol=5 * math.sqrt(1 / 15 / 15_000))


def test_the_makers_insert_everybody_but_the_seeds_once() -> None:
    spent = spent_by("makers")
    entrance = lots().permutation(MODELS).tolist()
    assert [placed.model for placed in spent.placed] == entrance[DEFAULT_SEED_MODELS:]
    for number, placed in enumerate(spent.placed, start=DEFAULT_SEED_MODELS + 1):
        assert sorted(placed.ranking) == sorted(entrance[:number])
        assert placed.rounds >= 2
    seeding = math.comb(DEFAULT_SEED_MODELS, 2) * (DEFAULT_SEED_MODELS - 2) * QUERIES
    assert sum(placed.cells for placed in spent.placed) + seeding == len(spent.cells)


def test_where_every_verdict_is_true_the_makers_find_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    mass = Mass(WORLD)
    truth = np.array(list(WORLD.truth.values()))

    def true(_judge: object, first: np.ndarray, second: np.ndarray, _query: object) -> np.ndarray:
        return np.where(truth[first] > truth[second], CODES[Outcome.A], CODES[Outcome.B]).astype(np.int8)

    monkeypatch.setattr(mass, "outcomes", true)
    spent = makers(mass, SCORE, lots().permutation(MODELS))
    for placed in spent.placed:
        assert list(placed.ranking) == sorted(placed.ranking, key=lambda model: -truth[model])


@pytest.mark.parametrize("rival", ["random", "near", "makers", "full"])
def test_the_same_seed_gives_the_same_board(rival: str) -> None:
    one, other = spent_by(rival), spent_by(rival)
    assert rows(one.cells) == rows(other.cells)
    assert one.board.strengths.tolist() == other.board.strengths.tolist()


@pytest.mark.parametrize("weighting", ["uniform", "rank", "reliability"])
def test_a_rival_is_scored_by_any_weighting(weighting: str) -> None:
    board = spent_by("makers", FitSettings(weighting)).board
    assert agreement(dict(zip(WORLD.models, board.strengths.tolist(), strict=True)), WORLD.truth).spearman > 0.8
