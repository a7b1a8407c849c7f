"""arena-rank: Bradley-Terry by L-BFGS on JAX with its sandwich interval, which takes votes as independent.

It reads a pandas DataFrame, made beforehand, or of lists within the call. From index columns it goes the
same way, the quickest through its own entry: codes to factorise in place of strings, a table of outcomes in
place of a function called for every row. `tallies` spares it both: its dataset is made of counts, by NumPy.
"""

from typing import Any

import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset
from jax import numpy as jnp

from benchmarks.scoring_peers import planted_votes
from benchmarks.scoring_peers.contestant import Call, Result, serve
from benchmarks.scoring_peers.planted_votes import PlantedVotes, strings
from benchmarks.scoring_peers.tallies import tally

CREDITS = {planted_votes.A: 1.0, planted_votes.B: 0.0, planted_votes.TIE: 0.5}
WINNERS = ("model_a", "model_b", "tie")
"""Its own words."""


def from_index(votes: PlantedVotes) -> Call:
    """Of integer columns."""
    frame = pd.DataFrame({"model_a": votes.first, "model_b": votes.second, "winner": votes.outcome})
    return lambda: _fit(lambda: PairDataset.from_pandas(frame, outcome_map=CREDITS))


def from_strings(votes: PlantedVotes) -> Call:
    """Of columns of pandas' own string type, as its readers give them."""
    columns = {
        "model_a": np.array(votes.model_names)[votes.first],
        "model_b": np.array(votes.model_names)[votes.second],
        "winner": np.array(WINNERS)[votes.outcome],
    }
    frame = pd.DataFrame({name: pd.Series(column, dtype="str") for name, column in columns.items()})
    return lambda: _fit(lambda: PairDataset.from_pandas(frame))


def from_lists(votes: PlantedVotes) -> Call:
    """Of lists of strings, which a DataFrame is made of within the call."""
    columns = {
        "model_a": strings(votes.model_names, votes.first),
        "model_b": strings(votes.model_names, votes.second),
        "winner": strings(WINNERS, votes.outcome),
    }
    return lambda: _fit(lambda: PairDataset.from_pandas(pd.DataFrame(columns)))


def from_tallies(votes: PlantedVotes) -> Call:
    """Of counts a pair and outcome, which are no entry of its own; counting them is timed."""

    def dataset() -> Any:
        first, second, outcome, count = tally(votes)
        ones = jnp.ones(len(count))
        return PairDataset(
            competitors=list(votes.model_names),
            pairs=jnp.column_stack([jnp.asarray(first), jnp.asarray(second)]),
            outcomes=jnp.asarray(np.array([CREDITS[code] for code in range(len(CREDITS))])[outcome]),
            counts=jnp.asarray(count, dtype=jnp.float64),
            weights=ones,
            opt_weights=ones * jnp.asarray(count, dtype=jnp.float64),
        )

    return lambda: _fit(dataset)


def _fit(make_dataset: Any) -> Result:
    result = Result()
    with result.stage("encode"):
        dataset = make_dataset()
        dataset.opt_weights.block_until_ready()
    with result.stage("fit"):
        # Scale, base and origin that leave log-odds as they are.
        model = BradleyTerry(dataset.n_competitors, scale=1.0, base=np.e, init_rating=0.0)
        board = {name: np.asarray(values) for name, values in model.compute_ratings_and_cis(dataset).items()}
    result.strengths = board["ratings"].tolist()
    result.half_widths = ((board["rating_upper"] - board["rating_lower"]) / 2).tolist()
    return result


if __name__ == "__main__":
    serve(
        {"index": from_index, "strings": from_strings, "lists": from_lists, "tallies": from_tallies},
        distributions=("arena-rank", "jax", "pandas", "numpy"),
    )
