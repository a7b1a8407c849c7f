"""Votes to score: a planted world, hypothesis strategies of small logs, and shorthands."""

from collections.abc import Iterable, Sequence
from itertools import combinations, count

import numpy as np
from hypothesis import strategies as st

from dearena.scoring import FitSettings, Outcome
from dearena.scoring.boards.board import Board, Entrant, Made, Row, make_board
from dearena.scoring.boards.vote_log import Counted
from dearena.scoring.boards.vote_rows import Vote, log_of
from dearena.scoring.draws import EVEN

SCORE = FitSettings(weighting="score")
UNIFORM = FitSettings(weighting="uniform")
MODELS = tuple(f"{slug}@1" for slug in ("alpha", "beta", "delta", "epsilon", "gamma", "zeta"))

_numbers = count()


def vote(model_a: str, model_b: str, outcome: Outcome, judge: str = "judge@1", **rest: object) -> Vote:
    """A vote of a cell of its own, unless told otherwise."""
    fields = {"cell_id": f"cell-{next(_numbers)}", "attempt": 1, "query_id": "q", "judge_calls": 2} | rest
    return Vote(model_a=model_a, model_b=model_b, judge=judge, outcome=outcome, **fields)  # type: ignore[arg-type]


def entrants(counted: Counted, retired: Sequence[str] = (), suspended: Sequence[str] = ()) -> list[Entrant]:
    """Everybody who stood in a cell."""
    return [Entrant(model, model in retired, model in suspended) for model in counted.votes.models]


def made_of(*rounds: Iterable[Vote], settings: FitSettings = SCORE, retired: Sequence[str] = ()) -> Made:
    """The board of all rounds, with the fit behind it."""
    counted = log_of(*rounds).counted()
    return make_board(counted, entrants(counted, retired), settings)


def board_of(*rounds: Iterable[Vote], settings: FitSettings = SCORE, retired: Sequence[str] = ()) -> Board:
    """The board of all rounds."""
    return made_of(*rounds, settings=settings, retired=retired).board


def row_of(board: Board, model: str) -> Row:
    """The row of a model."""
    (found,) = [row for row in board.rows if row.model == model]
    return found


@st.composite
def votes(draw: st.DrawFn, max_size: int = 40) -> list[Vote]:
    """Some log: any outcome, any judge outside its pair, cells numbered in order."""
    size = draw(st.integers(0, max_size))
    rows = []
    for number in range(size):
        judge, *pair = draw(st.permutations(MODELS))[:3]
        first, second = sorted(pair)
        rows.append(
            vote(
                first,
                second,
                draw(st.sampled_from(Outcome)),
                judge,
                cell_id=f"cell-{number}",
                query_id=draw(st.sampled_from(["q1", "q2", "q3"])),
            )
        )
    return rows


def drawn_votes(max_size: int = 40) -> st.SearchStrategy[list[Vote]]:
    """Some log of judges that were drawn by weight, each by its own."""
    draw = st.lists(st.sampled_from([13_107, 40_000, EVEN, 100_000, 300_000]), min_size=6, max_size=6)
    return st.builds(
        lambda rows, by_judge: [row._replace(draw=by_judge[MODELS.index(row.judge)]) for row in rows],
        votes(max_size),
        draw,
    )


def planted(seed: int, models: int = 12, queries: int = 8) -> tuple[dict[str, float], list[Vote]]:
    """World A: skills ~ N(0, 1), query effects ~ N(0, .8), sharpness rising with skill; all pairs and judges.

    A cell is two independent draws with P(A) = logistic(sharpness * difference); unequal ones are a FLIP.
    """
    rng = np.random.default_rng(seed)
    skill = rng.normal(0, 1, models)
    effect = rng.normal(0, 0.8, (models, queries))
    sharpness = 1.6 * np.maximum(0.05, 0.7 + 0.35 * skill + rng.normal(0, 0.25, models))
    names = [f"model-{index:02d}@1" for index in range(models)]
    rows = []
    for a, b in combinations(range(models), 2):
        for judge in set(range(models)) - {a, b}:
            difference = skill[a] + effect[a] - skill[b] - effect[b]
            seats_of = rng.random((queries, 2)) < (1 / (1 + np.exp(-sharpness[judge] * difference)))[:, None]
            for query, seats in enumerate(seats_of):
                outcome = {(True, True): Outcome.A, (False, False): Outcome.B}.get(tuple(seats), Outcome.FLIP)
                rows.append(vote(names[a], names[b], outcome, names[judge], query_id=f"q{query:02d}"))
    return dict(zip(names, map(float, skill), strict=True)), rows
