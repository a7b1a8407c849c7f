"""Dimensions: what is filled in, what is refused, and what an etag tells."""

from dataclasses import replace
from typing import Any

import pytest

from dearena.faults import BrokenPool, InvalidField
from dearena.pools.json_lines import Pool, Question
from services.query_selector import dimension
from services.query_selector.dimension import Declaration, Selection
from services.query_selector.judging_policy import JudgingPolicy
from services.query_selector.pilot_settings import PilotSettings
from services.query_selector.ranking_settings import Money, RankingSettings, filled

POOL = Pool(tuple(Question.of(f"q{number}", [f"What is {number} squared?"]) for number in range(9)))
OPEN = RankingSettings()
BARE = Declaration(
    name="projects/default/dimensions/algebra",
    display_name="",
    selection=Selection(method="", k=4, seed=0),
    ranking=OPEN,
    template="",
    allowed_providers=(),
)


def test_everything_left_open_is_filled_in() -> None:
    made, queries = dimension.create(BARE, POOL)
    assert made.ranking == filled(OPEN, "")[0]
    assert made.selection == Selection(method="random", k=4, seed=0)
    assert (made.display_name, made.template, made.version) == ("algebra", "pairwise@1", 1)
    assert (made.pool_size, made.query_count, made.pool_hash) == (9, 4, POOL.pool_hash())
    assert len(queries) == 4


def test_what_was_asked_for_is_kept() -> None:
    asked, _ = filled(RankingSettings(seed_models=3, window=2, jury="exhaustive", weighting="uniform"), "")
    made, _ = dimension.create(
        replace(BARE, ranking=asked, display_name="Algebra", allowed_providers=("in-house", "openai")), POOL
    )
    assert made.ranking == asked
    assert made.display_name == "Algebra"
    assert made.allowed_providers == ("in-house", "openai")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "algebra"}, "dimension.name"),
        ({"name": "projects/default/dimensions/Al gebra"}, "dimension.name"),
        ({"display_name": "x" * 201}, "dimension.display_name"),
        ({"selection": Selection("psychic", 4, 0)}, "dimension.selection.method"),
        ({"selection": Selection("", 0, 0)}, "dimension.selection.k"),
        ({"selection": Selection("", 10, 0)}, "dimension.selection.k"),
        ({"ranking": replace(OPEN, jury="grand")}, "dimension.ranking.jury"),
        ({"selection": Selection("random", 4, 0, PilotSettings(calls=9))}, "dimension.selection.pilot"),
        ({"selection": Selection("telling", 10, 0)}, "dimension.selection.k"),
        (
            {"selection": Selection("telling", 4, 0, PilotSettings(models=("a", "b")))},
            "dimension.selection.pilot.models",
        ),
        (
            {"selection": Selection("telling", 4, 0, PilotSettings(("a", "b", "B c")))},
            "dimension.selection.pilot.models",
        ),
        ({"selection": Selection("telling", 4, 0, PilotSettings(queries=3))}, "dimension.selection.pilot.queries"),
        ({"selection": Selection("telling", 4, 0, PilotSettings(calls=10**8))}, "dimension.selection.pilot.calls"),
        (
            {"ranking": replace(OPEN, seats="7"), "selection": Selection("telling", 4, 0, PilotSettings(calls=7))},
            "dimension.ranking.seats",
        ),
        ({"selection": Selection("telling", 4, 0, PilotSettings(calls=7))}, "dimension.selection.pilot.calls"),
        (
            {"only_models": ("a", "b"), "selection": Selection("consistent", 4, 0)},
            "dimension.selection.pilot.models",
        ),
        (
            {"selection": Selection("telling", 4, 0, PilotSettings(budget=Money("USD", 0)))},
            "dimension.selection.pilot.budget",
        ),
        (
            {"selection": Selection("telling", 4, 0, PilotSettings(budget=Money("usd", 1)))},
            "dimension.selection.pilot.budget.currency",
        ),
        (
            {"only_models": ("a", "b", "c"), "selection": Selection("telling", 4, 0, PilotSettings(("a", "b", "d")))},
            "dimension.selection.pilot.models",
        ),
        ({"template": "pairwise@9"}, "dimension.template"),
        ({"allowed_providers": ("openai", "")}, "dimension.allowed_providers"),
        ({"allowed_providers": ("openai", "openai")}, "dimension.allowed_providers"),
        ({"only_models": ("alpha", "no slug")}, "dimension.only_models"),
        ({"only_models": ("alpha", "alpha")}, "dimension.only_models"),
        ({"judging": JudgingPolicy(judge_providers=(" ",))}, "dimension.judging.judge_providers"),
        ({"judging": JudgingPolicy(judge_providers=("a", "a"))}, "dimension.judging.judge_providers"),
        (
            {"allowed_providers": ("a", "b"), "judging": JudgingPolicy(judge_providers=("b", "c"))},
            "dimension.judging.judge_providers",
        ),
    ],
)
def test_a_field_that_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        dimension.create(replace(BARE, **change), POOL)
    assert [one.field for one in caught.value.violations] == [field]


def test_all_wrong_fields_are_told_at_once() -> None:
    with pytest.raises(InvalidField) as caught:
        dimension.checked(replace(BARE, name="", template="x@1", ranking=replace(OPEN, jury="grand")))
    assert {one.field for one in caught.value.violations} == {
        "dimension.name",
        "dimension.template",
        "dimension.ranking.jury",
    }


def test_an_etag_tells_dimensions_apart_and_bears_the_largest_seed() -> None:
    def tag(**change: Any) -> str:
        return dimension.etag(dimension.create(replace(BARE, **change), POOL)[0])

    tags = {
        tag(),
        tag(display_name="Algebra"),
        tag(selection=Selection("", 4, 2**64 - 1)),
        tag(selection=Selection("", 4, 2**64 - 2)),
        tag(selection=Selection("telling", 4, 0)),
        tag(selection=Selection("telling", 4, 0, PilotSettings(models=("a", "b", "c")))),
        tag(selection=Selection("telling", 4, 0, PilotSettings(calls=2_000))),
        tag(allowed_providers=("openai",)),
        tag(only_models=("alpha",)),
        tag(judging=JudgingPolicy(exclude_family=True)),
        tag(judging=JudgingPolicy(judge_providers=("openai",))),
    }
    assert len(tags) == 11
    assert tag() == tag()


def test_a_tag_stays_what_it_was() -> None:
    """Whoever holds one from before there were pilots is not told that anything has changed."""
    assert dimension.etag(dimension.create(BARE, POOL)[0]) == "bb33c4064543fec6"


def test_the_least_calls_of_a_pilot_are_a_cell_a_query() -> None:
    pilot = Selection("telling", 4, 0, PilotSettings(calls=4))
    made, _ = dimension.create(replace(BARE, selection=pilot, ranking=replace(OPEN, seats="SINGLE")), POOL)
    assert made.selection == pilot
    dimension.create(replace(BARE, selection=replace(pilot, pilot=PilotSettings(calls=8))), POOL)


def test_where_a_pilot_chooses_there_are_no_queries_yet() -> None:
    made, queries = dimension.create(replace(BARE, selection=Selection("telling", 4, 0)), POOL)
    assert queries == ()
    assert made.selecting
    assert made.query_count == 0
    assert not dimension.create(BARE, POOL)[0].selecting


def test_a_pilot_may_choose_any_question_so_each_needs_the_reference_that_judges_are_shown() -> None:
    pool = Pool((Question.of("q0", ["Why?"], "Because."), replace(Question.of("q1", ["How?"]), line=2)))
    guided = replace(BARE, template="reference@1", selection=Selection("telling", 1, 0))
    with pytest.raises(BrokenPool) as caught:
        dimension.create(guided, pool)
    assert [one.field for one in caught.value.violations] == ["pool line 2"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed_models": 3},
        {"window": 2},
        {"max_slides": 3},
        {"jury": "exhaustive"},
        {"weighting": "uniform"},
        {"error": 0.01},
        {"cap": 41},
        {"most_rounds": 3},
        {"target_calls": 8},
        {"target_rank_width": 2},
        {"target_cost": Money("USD", 2**63 - 1)},
        {"seats": "SINGLE"},
        {"canary_every": 3},
    ],
)
def test_an_etag_tells_every_ranking_setting(change: dict[str, Any]) -> None:
    def tag(ranking: RankingSettings) -> str:
        return dimension.etag(dimension.create(replace(BARE, ranking=ranking), POOL)[0])

    assert tag(replace(OPEN, **change)) != tag(OPEN)
