"""What a person sees of a selection, of health, power and a revision, and which options do not go together."""

import pytest
from typer.testing import CliRunner

from dearena.cli import health, power, revise, selection
from dearena.cli.app import app
from dearena.faults import InvalidField
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from tests.unit.cli.test_board_reports import lines
from tests.unit.cli.test_rendering import row_of, seen

PILOTING = pb.SelectionProgress(
    dimension="projects/default/dimensions/algebra",
    dimension_version=1,
    selection=pb.Selection(method="telling", k=40, seed=7),
    stage=pb.SELECTION_STAGE_PILOTING,
    models=["kappa", "lambda", "mu"],
    pilots=["projects/default/dimensions/algebra-pilot-1"],
    piloted_queries=480,
    open_queries=31,
    cells=1_200,
    votes=1_034,
    judge_calls=2_400,
    most_judge_calls=5_760,
    spent=[common_pb2.Money(currency="USD", nano_units=1_250_000_000)],
)


def test_a_pilot_under_way_is_told_in_a_line() -> None:
    assert selection.line(PILOTING) == (
        "algebra: piloting · 1,034 votes on 480 queries · 2,400 of 5,760 judge calls · USD 1.25"
    )


def test_what_a_selection_waits_for_and_why_it_failed_is_told() -> None:
    waiting = pb.SelectionProgress(
        dimension="projects/default/dimensions/algebra",
        stage=pb.SELECTION_STAGE_WAITING_FOR_MODELS,
        waiting_reason="a pilot takes at least 3 models; registered: 2",
    )
    assert selection.line(waiting) == ("algebra: waiting for models · a pilot takes at least 3 models; registered: 2")
    failed = pb.SelectionProgress(dimension="d", stage=pb.SELECTION_STAGE_FAILED, failure="the budget is exhausted")
    assert selection.line(failed) == "d: failed · the budget is exhausted"
    assert row_of(seen(selection.progress(failed)[0]), "failure") == "failure the budget is exhausted"


def test_a_pilot_under_way_has_a_bar_and_one_that_is_over_has_none() -> None:
    table, bar = selection.progress(PILOTING)
    assert row_of(seen(table), "method") == "method telling: 40 queries, seed 7"
    assert row_of(seen(table), "queries") == "queries 480 looked at, 31 open"
    assert row_of(seen(table), "cells") == "cells 1,200 asked, 1,034 of them votes"
    assert "pilot        algebra-pilot-1" in seen(table)
    assert getattr(bar, "completed", None) == 2_400
    done = pb.SelectionProgress()
    done.CopyFrom(PILOTING)
    done.stage = pb.SELECTION_STAGE_DONE
    assert len(selection.progress(done)) == 1


def test_a_reason_has_the_figures_of_its_method_only() -> None:
    telling = pb.SelectionReason(
        query_id="q1", category="roots", why="telling", rank=1, slope=0.21, slope_error=0.034, wrong_way=0.001, gain=0.5
    )
    left = pb.SelectionReason(
        query_id="q2", category="roots", why="less_telling", slope=0.0, slope_error=0.1, redundant_with="q1"
    )
    assert lines(selection.reasons_table([telling, left])) == [
        "place query category why slope wrong way gain like",
        "1 q1 roots telling 0.210 ± 0.034 < 1 % 0.5000",
        "q2 roots less telling 0.000 ± 0.100 q1",
    ]
    drawn = pb.SelectionReason(query_id="q1", why="drawn", rank=1)
    assert lines(selection.reasons_table([drawn])) == ["place query why", "1 q1 drawn"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"stop": True, "resume": True}, "--stop"),
        ({"every": True}, "--all"),
        ({"limited": True}, "--calls"),
    ],
)
def test_options_that_do_not_go_together_are_refused(said: dict[str, bool], field: str) -> None:
    options = {"stop": False, "resume": False, "reasons": False, "every": False, "limited": False}
    with pytest.raises(InvalidField) as caught:
        selection._check(**options | said)
    assert caught.value.violations[0].field == field


def test_an_amount_that_is_none_is_refused_by_its_option() -> None:
    assert selection.money_of("--budget", "") is None
    assert selection.money_of("--budget", "5 USD") == common_pb2.Money(currency="USD", nano_units=5 * 10**9)
    with pytest.raises(InvalidField) as caught:
        selection.money_of("--budget", "five")
    assert caught.value.violations[0].field == "--budget"


def test_health_names_queries_and_says_what_is_not_known() -> None:
    found = pb.DimensionHealth(
        dimension="projects/default/dimensions/algebra",
        dimension_version=2,
        votes=5_000,
        models=12,
        separability=0.75,
        saturation=0.1,
        saturated=["q4"],
        silent=["q4", "q9"],
        retire=["q4", "q9"],
        add=5,
        correlations=[
            pb.BoardCorrelation(
                dimension="projects/default/dimensions/logic", models=12, correlation=0.91, low=0.7, high=0.97
            ),
            pb.BoardCorrelation(dimension="projects/default/dimensions/tiny", models=3),
        ],
    )
    lines_of, table = health.health_tables(found)
    text = seen(lines_of)
    assert row_of(text, "dimension") == "dimension algebra, version 2"
    assert row_of(text, "told apart") == "told apart 75 % of the pairs"
    assert row_of(text, "saturated") == "saturated 10 % of the queries, nearly all ties: q4"
    assert row_of(text, "retire") == "retire q4, q9"
    assert row_of(text, "add") == "add 5 queries"
    assert row_of(seen(table), "logic") == "logic 12 0.91 0.70 to 0.97"
    assert row_of(seen(table), "tiny") == "tiny 3 not known"
    bare = health.health_tables(pb.DimensionHealth(dimension="d", dimension_version=1))
    assert row_of(seen(bare[0]), "retire") == "retire none"
    assert row_of(seen(bare[0]), "add") == "add no number within reason would tell more"
    assert "told apart" not in seen(bare[0])


def test_power_says_who_is_ahead_and_what_would_tell() -> None:
    found = pb.Power(
        dimension="projects/default/dimensions/algebra",
        dimension_version=1,
        model_a="kappa@1",
        model_b="lambda@1",
        difference=-0.04,
        now=pb.PowerDesign(queries=40, votes=3_000, judges=10, power=0.31),
        these_two=pb.PowerDesign(
            queries=87,
            votes=870,
            judges=10,
            power=0.8,
            cost=[common_pb2.Money(currency="USD", nano_units=1_300_000_000)],
        ),
    )
    heading, table = power.power_tables(found)
    assert str(heading).startswith("lambda@1 is ahead of kappa@1 in algebra, version 1, by 0.040")
    text = seen(table)
    assert row_of(text, "now") == "now 40 3,000 10 31 %"
    assert row_of(text, "all models compared") == "all models compared no number does"
    assert row_of(text, "only these two") == "only these two compared 87 870 10 USD 1.30 80 %"


def test_a_revision_says_what_it_is_or_would_be() -> None:
    made = pb.ReviseDimensionResponse(
        dimension=pb.Dimension(name="projects/default/dimensions/algebra", version=2, query_count=41),
        retired=["q4"],
        added=["q8", "q9"],
    )
    assert revise.told(made, check=False) == ["version 2 of algebra is 41 queries", "retired: q4", "put in: q8, q9"]
    assert revise.told(made, check=True)[0] == "version 2 of algebra would be 41 queries"


@pytest.mark.parametrize(
    ("option", "value", "most"), [("--error", "0", "0.5"), ("--power", "0", "0.999"), ("--power", "nan", "0.999")]
)
def test_a_chance_of_nothing_is_refused_with_its_range(option: str, value: str, most: str) -> None:
    """The contract takes zero for the default, which nobody means who says 0."""
    result = CliRunner().invoke(app, ["dimension", "power", "d", "a", "b", option, value], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert f"is {value}; must be above 0 and at most {most}" in result.output
