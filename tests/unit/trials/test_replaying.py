"""A part of recorded votes beside all of them: what is spent, how it compares, and that it is the same each time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from dearena.cli.app import app
from dearena.faults import InvalidField
from dearena.scoring import FitSettings
from dearena.trials.recorded import Recorded
from dearena.trials.replaying import SPENDERS, Budget, ReplaySettings, Spent, evenly, replay
from dearena.vote_files import read
from tests.unit.trials.recordings import columns, recording
from tests.unit.vote_files.files import jsonl

MULTIVAC = Path(__file__).parents[4] / "shared" / "data" / "multivac"
FEW = {"spender": "even", "orders": 3, "random_draws": 10, "share": 0.2, "min_queries": 12}


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded.of(columns(recording()), least_queries=12)


def budget(recorded: Recorded, votes: int, seed: int = 0) -> Budget:
    return Budget(recorded, recorded.models, votes, FitSettings(), np.random.default_rng(seed))


@pytest.mark.parametrize("spender", sorted(SPENDERS))
def test_a_spender_keeps_to_its_budget_and_asks_nothing_twice(recorded: Recorded, spender: str) -> None:
    for votes in (1, 60, len(recorded)):
        rows = SPENDERS[spender](budget(recorded, votes)).rows
        assert len(set(rows.tolist())) == len(rows) <= votes
        assert 0 <= rows.min() <= rows.max() < len(recorded)


@pytest.mark.parametrize("spender", ["even", "random"])
def test_all_votes_give_the_board_of_all_votes(recorded: Recorded, spender: str) -> None:
    found = replay(recorded, ReplaySettings(spender=spender, share=1.0, orders=2, random_draws=2))
    for part in (*found.orders, found.mean, found.random):
        assert part is not None
        assert part.spearman == pytest.approx(1.0)
        assert part.kendall == pytest.approx(1.0)
        assert part.fraction == 1.0
        assert part.wrong_pairs == 0
        assert part.judge_calls == 2 * len(recorded)
    assert found.order_sensitivity == pytest.approx(1.0)


def test_answers_and_judges_of_a_model_are_used_evenly(recorded: Recorded) -> None:
    votes = recorded.votes

    def spread(rows: Any, other: Any, others: int) -> float:
        """Deviation of the uses of each (model, other) from its share of all, in uses."""

        def uses(of: Any) -> Any:
            both = [side[of].astype(int) * others + other[of] for side in (votes.first, votes.second)]
            return np.bincount(np.concatenate(both), minlength=len(votes.models) * others)

        expected = uses(np.arange(len(votes))) * len(rows) / len(votes)
        return float(np.max(np.abs(uses(rows) - expected)))

    for seed in range(5):
        even = evenly(budget(recorded, 120, seed)).rows
        some = SPENDERS["random"](budget(recorded, 120, seed)).rows
        for other, count in ((votes.query, len(votes.queries)), (votes.judge, len(votes.judges))):
            assert spread(even, other, count) <= 2.5
            assert spread(even, other, count) < spread(some, other, count)


def test_an_arena_asks_ranked_models_only_and_spends_what_it_may(recorded: Recorded) -> None:
    spent = SPENDERS["sequential"](budget(recorded, 150))
    votes = spent.votes(recorded)
    assert spent.rounds_per_insertion is not None
    assert spent.rounds_per_insertion >= 1
    assert 140 <= len(votes) <= 150
    assert "outside@1" not in {votes.judges[judge] for judge in votes.judge}


def test_votes_of_a_judge_that_was_drawn_rarely_count_more(recorded: Recorded) -> None:
    rows = np.array([7, 3, 11])
    plain = Spent(rows, np.full(3, 2**16)).votes(recorded)
    assert plain.weight is None
    votes = Spent(rows, np.array([2**15, 2**16, 2**17])).votes(recorded)
    assert votes.weight is not None
    by_row = votes.weight[np.argsort(np.argsort(rows))]
    np.testing.assert_allclose(by_row / by_row[1], [2, 1, 0.5])


def test_the_same_seed_gives_the_same_replay_and_another_another(recorded: Recorded) -> None:
    one, again, other = (replay(recorded, ReplaySettings(seed=seed, **FEW)) for seed in (3, 3, 4))  # type: ignore[arg-type]
    assert one == again
    assert one.random_spearman != other.random_spearman


def test_the_mean_is_that_of_the_orders(recorded: Recorded) -> None:
    found = replay(recorded, ReplaySettings(**FEW))  # type: ignore[arg-type]
    assert found.mean.spearman == pytest.approx(np.mean([one.spearman for one in found.orders]))
    assert found.mean.wrong_pairs == pytest.approx(np.mean([one.wrong_pairs for one in found.orders]))
    assert found.random is not None
    assert found.random.spearman == pytest.approx(np.mean(found.random_spearman))
    assert found.random.fraction == pytest.approx(found.mean.fraction)
    assert all(one.fraction <= 0.2 for one in found.orders)


def test_one_order_has_nothing_to_be_compared_with(recorded: Recorded) -> None:
    found = replay(recorded, ReplaySettings(spender="even", orders=1, random_draws=0))
    assert found.order_sensitivity is None
    assert found.random is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"share": 0.0}, "share"),
        ({"share": 1.5}, "share"),
        ({"share": float("nan")}, "share"),
        ({"orders": 0}, "orders"),
        ({"spender": "thrifty"}, "spender"),
        ({"weighting": "loudness"}, "weighting"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        ReplaySettings(**changes)
    assert caught.value.violations[0].field == field


def test_a_share_below_one_vote_is_refused(recorded: Recorded) -> None:
    with pytest.raises(InvalidField, match="votes is none"):
        replay(recorded, ReplaySettings(share=1e-4))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["replay", *arguments])


def test_the_command_tells_orders_their_mean_and_what_they_are_held_against(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "votes.jsonl.gz", [one | {"dimension": "chess"} for one in recording()])
    plot = tmp_path / "orders.svg"
    given = [str(file), "--dimension", "chess", "--min-queries", "12", "--orders", "3", "--share", "0.2"]
    result = run(*given, "--random-draws", "5", "--plot", str(plot), "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    asked = {"spearman", "kendall", "fraction", "wrong_pairs", "separable_pairs"}
    assert len(found["orders"]) == 3
    for part in (*found["orders"], found["mean"], found["random"]):
        assert asked <= set(part)
    assert found["settings"]["share"] == 0.2
    assert found["settings"]["fit"]["weighting"] == found["settings"]["weighting"]
    assert plot.read_text().count("<circle") == 8

    shown = run(*given, "--random-draws", "5")
    assert shown.exit_code == 0, shown.stderr
    assert "chess: 5 models, 6 judges" in shown.stdout
    assert "as many at random, mean of 5" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--dimension", "go"], "dimension: 'go' is none of those in the file"),
        (["--min-queries", "99"], "min_queries: 0 models were compared on 99 queries or more"),
        (["--min-queries", "12", "--share", "7"], "share: 7.0 is no share of the votes"),
        (["--min-queries", "12", "--plot", "orders.png"], "a plot is an .svg file"),
        (["--min-queries", "12", "--spend", "thrifty"], "spender: 'thrifty' is none of"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    file = jsonl(tmp_path / "votes.jsonl", recording())
    result = run(str(file), *arguments)
    assert result.exit_code == 1
    assert not result.stdout
    assert result.stderr.startswith("error: ")
    assert complaint in result.stderr


@pytest.mark.skipif(not MULTIVAC.is_dir(), reason="the recorded votes of shared/data/multivac are not here")
def test_an_eighth_of_real_votes_orders_what_all_can_tell_apart() -> None:
    recorded = Recorded.of(read(MULTIVAC / "votes.jsonl.gz"), "code")
    found = replay(recorded, ReplaySettings(spender="even", orders=5, random_draws=0))
    assert found.mean.fraction <= 0.12
    assert found.mean.wrong_pairs <= 0.02 * found.mean.separable_pairs
    assert found.mean.spearman >= 0.95
