"""Votes to score: small logs by hypothesis, and planted worlds."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from dearena.scoring import Outcome, Votes
from tests.unit.scoring.plain import Ballot

MODELS = ("alpha", "beta", "delta", "gamma", "zeta")
JUDGES = ("ann", "ben", "cid", "dot")
QUERIES = ("q1", "q2", "q3", "q4", "q5", "q6")
WINNERS = {1.0: "a", 0.0: "b", 0.5: "tie"}


def votes_of(ballots: Sequence[Ballot], *, weighted: bool = False) -> Votes:
    """Ballots as columns."""
    return Votes.of_columns(
        judge=[ballot.judge for ballot in ballots],
        model_a=[ballot.first for ballot in ballots],
        model_b=[ballot.second for ballot in ballots],
        query=[ballot.query for ballot in ballots],
        winner=[WINNERS[ballot.half_win] for ballot in ballots],
        weight=[ballot.weight for ballot in ballots] if weighted else None,
    )


def ballots(
    min_size: int = 0, max_size: int = 40, weights: Sequence[float] = (1.0,)
) -> st.SearchStrategy[list[Ballot]]:
    """Any log of preferences."""
    pairs = st.permutations(MODELS).map(lambda models: (models[0], models[1]))
    one = st.builds(
        lambda judge, pair, query, half_win, weight: Ballot(judge, pair[0], pair[1], query, half_win, weight),
        st.sampled_from(JUDGES),
        pairs,
        st.sampled_from(QUERIES),
        st.sampled_from((1.0, 0.0, 0.5)),
        st.sampled_from(weights),
    )
    return st.lists(one, min_size=min_size, max_size=max_size)


def planted(
    seed: int, models: int = 8, judges: int = 10, queries: int = 12, votes: int = 3_000, tie: float = 0.1
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Votes]:
    """Skills ~ N(0, 1), query effects ~ N(0, .8), outside judges of unequal sharpness; some ties at random."""
    random = np.random.default_rng(seed)
    skill = random.normal(0, 1, models)
    effect = random.normal(0, 0.8, (models, queries))
    sharpness = random.lognormal(0.2, 0.4, judges)
    first = random.integers(0, models, votes)
    second = (first + random.integers(1, models, votes)) % models
    judge, query = random.integers(0, judges, votes), random.integers(0, queries, votes)
    difference = skill[first] + effect[first, query] - skill[second] - effect[second, query]
    won = random.random(votes) < 1 / (1 + np.exp(-sharpness[judge] * difference))
    outcome = np.where(random.random(votes) < tie, 2, np.where(won, 0, 1))
    found = Votes.of_codes(
        models=[f"model-{index:03d}" for index in range(models)],
        judges=[f"judge-{index:03d}" for index in range(judges)],
        queries=[f"query-{index:03d}" for index in range(queries)],
        judge=judge,
        first=first,
        second=second,
        query=query,
        outcome=outcome,
    )
    return skill, found


def outcomes_of(votes: Votes) -> list[Outcome]:
    """Outcomes by name."""
    return [tuple(Outcome)[code] for code in votes.outcome]
