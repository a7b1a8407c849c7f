"""`dearena simulate`: the figures, their JSON, and what is refused."""

import json
from pathlib import Path
from statistics import fmean, median
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from dearena.cli.simulate import simulate as command
from dearena.faults import InvalidField
from dearena.trials.rivals import most_calls
from dearena.trials.simulation import RIVALS, Simulation, simulate

SMALL = ("--models", "9", "--queries", "6")
CALLS = {"random": ("--calls", "800"), "near": ("--calls", "800")}
JURIES = ("exhaustive", "sequential", *RIVALS)

app = typer.Typer()
app.command()(command)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def simulated(jury: str, *arguments: str) -> dict[str, Any]:
    result = run(*SMALL, "--jury", jury, *CALLS.get(jury, ()), "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return found


@pytest.mark.parametrize("jury", JURIES)
def test_json_tells_what_it_took_and_what_came_of_it(jury: str) -> None:
    found = simulated(jury)
    assert found["judge_calls"] > 0
    assert found["fraction"] == found["judge_calls"] / most_calls(9, 6)
    assert 0.3 < found["kendall"] <= found["spearman"] <= 1
    assert found["settings"]["jury"] == jury
    assert sorted(found["order"]) == sorted(found["true_order"]) == [f"model-{place:03}" for place in range(9)]
    placed = found["insertions"]
    if jury in ("exhaustive", "sequential", "makers"):
        assert len(placed) == 4
        assert found["rounds_per_insertion"] == median(one["rounds"] for one in placed)
        assert found["rank_error_at_settle"] == fmean(one["rank_error"] for one in placed)
        # Newcomers of one wave settle beside one another, and then stand on one ranking.
        assert [one["ranked"] for one in placed] == sorted(one["ranked"] for one in placed)
        assert placed[-1]["ranked"] == 9
        assert all(1 <= one["rank"] <= one["ranked"] for one in placed)
    else:
        assert placed == []
        assert found["rounds_per_insertion"] is None
        assert found["rank_error_at_settle"] is None


@pytest.mark.parametrize("jury", JURIES)
def test_the_same_seed_gives_the_same_figures_and_another_one_others(jury: str) -> None:
    first = simulated(jury)
    assert simulated(jury) == first
    other = simulated(jury, "--seed", "1")
    assert (other["order"], other["true_order"]) != (first["order"], first["true_order"])


def test_calls_are_spent_exactly_and_a_full_round_robin_is_all_there_is() -> None:
    assert simulated("random")["judge_calls"] == simulated("near")["judge_calls"] == 800
    assert simulated("full")["fraction"] == 1


def test_a_jury_that_stops_spends_about_what_it_is_given() -> None:
    found = simulated("sequential", "--calls", "1500")
    assert found["judge_calls"] == pytest.approx(1500, rel=0.1)


def test_inverted_judges_do_harm_where_nobody_weighs_them() -> None:
    honest = simulate(Simulation(models=12, queries=10, seed=0, jury="full", weighting="uniform"))
    result = run("--models", "12", "--queries", "10", "--jury", "full", "--weights", "uniform", "--json",
                 "--hostile", "inverted:1")  # fmt: skip
    turned = json.loads(result.stdout)
    assert honest.spearman > 0.8
    assert turned["spearman"] < -0.8
    assert turned["settings"]["hostile"] == "inverted:1.0"


def test_models_may_enter_in_the_order_of_their_names_and_together() -> None:
    found = simulated("exhaustive", "--listed", "--newcomers-at-once", "4")
    assert sorted(one["model"] for one in found["insertions"]) == [f"model-{place:03}" for place in range(5, 9)]
    assert {one["ranked"] for one in found["insertions"]} <= set(range(6, 10))
    assert simulated("exhaustive", "--newcomers-at-once", "4")["insertions"] != found["insertions"]
    assert len(found["board_digest"]) == 64


def test_other_salts_draw_other_cells_in_the_same_world() -> None:
    plain, other = simulated("sequential"), simulated("sequential", "--salt", "projects/default/dimensions/algebra")
    assert plain["settings"] == other["settings"] | {"salt": ""}
    assert other["settings"]["salt"] == "projects/default/dimensions/algebra"
    assert plain["true_order"] == other["true_order"]
    assert plain["board_digest"] != other["board_digest"]


def test_people_are_told_the_same_in_words(tmp_path: Path) -> None:
    plot = tmp_path / "found.svg"
    result = run(*SMALL, "--jury", "makers", "--plot", str(plot))
    assert result.exit_code == 0
    found = simulated("makers")
    assert f"{found['judge_calls']:,}" in result.stdout
    assert f"{found['spearman']:.3f}" in result.stdout
    dots = ET.fromstring(plot.read_text(encoding="utf-8")).findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 9 + 4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--jury", "random"), "calls"),
        (("--jury", "makers", "--calls", "800"), "calls"),
        (("--jury", "full", "--calls", "800"), "calls"),
        (("--jury", "random", "--calls", "100000"), "not as many cells as 100,000 calls"),
        (("--jury", "near", "--calls", "100000"), "not as many cells as 100,000 calls"),
        (("--jury", "near", "--calls", "3000"), "hardly as many cells as 3,000 calls"),
        (("--hostile", "unreadable:1"), "stuck: no eligible judge for model-00"),
        (("--jury", "wise"), "wise"),
        (("--jury", "full", "--models", "5"), "seeds"),
        (("--jury", "full", "--weights", "loud"), "weighting"),
        (("--jury", "full", "--hostile", "angry:0.1"), "none of inverted"),
        (("--jury", "full", "--hostile", "inverted:7"), "probability"),
        (("--jury", "full", "--plot", "found.png"), ".svg"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_one_line(arguments: tuple[str, ...], complaint: str) -> None:
    result = run(*SMALL, *arguments)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert not result.stdout
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("wrong", [{"queries": 0}, {"at_once": -1}, {"seed": -1}, {"calls": -1}])
def test_impossible_numbers_are_refused(wrong: dict[str, int]) -> None:
    given: dict[str, Any] = {"models": 9, "queries": 6, "seed": 0, "jury": "full"}
    with pytest.raises(InvalidField, match=next(iter(wrong))):
        Simulation(**given | wrong)
