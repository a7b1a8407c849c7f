"""Dimensions: what is filled in, what is refused, and what an etag tells."""

from dataclasses import replace
from typing import Any

import pytest

from dearena.faults import InvalidField
from dearena.scoring.weightings import WEIGHTINGS
from services.query_selector import dimension
from services.query_selector.dimension import Declaration, RankingSettings, Selection
from services.query_selector.pool import Pool, Question

POOL = Pool(tuple(Question.of(f"q{number}", [f"What is {number} squared?"]) for number in range(9)))
OPEN = RankingSettings(seed_models=0, window=0, max_slides=0, jury="", weighting="")
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
    assert made.ranking == RankingSettings(seed_models=5, window=1, max_slides=8, jury="exhaustive", weighting="score")
    assert made.selection == Selection(method="random", k=4, seed=0)
    assert (made.display_name, made.template, made.version) == ("algebra", "pairwise@1", 1)
    assert (made.pool_size, made.query_count, made.pool_hash) == (9, 4, POOL.pool_hash())
    assert len(queries) == 4


def test_what_was_asked_for_is_kept() -> None:
    asked = RankingSettings(seed_models=3, window=2, max_slides=4, jury="exhaustive", weighting="uniform")
    made, _ = dimension.create(
        replace(BARE, ranking=asked, display_name="Algebra", allowed_providers=("in-house", "openai")), POOL
    )
    assert made.ranking == asked
    assert made.display_name == "Algebra"
    assert made.allowed_providers == ("in-house", "openai")


def test_every_weighting_that_there_is_may_be_asked_for() -> None:
    assert set(dimension.WEIGHTINGS) == set(WEIGHTINGS)
    for weighting in WEIGHTINGS:
        made, _ = dimension.create(replace(BARE, ranking=replace(OPEN, weighting=weighting)), POOL)
        assert made.ranking.weighting == weighting


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "algebra"}, "dimension.name"),
        ({"name": "projects/default/dimensions/Al gebra"}, "dimension.name"),
        ({"display_name": "x" * 201}, "dimension.display_name"),
        ({"selection": Selection("psychic", 4, 0)}, "dimension.selection.method"),
        ({"selection": Selection("", 0, 0)}, "dimension.selection.k"),
        ({"selection": Selection("", 10, 0)}, "dimension.selection.k"),
        ({"ranking": replace(OPEN, seed_models=1)}, "dimension.ranking.seed_models"),
        ({"ranking": replace(OPEN, seed_models=2**32 - 1)}, "dimension.ranking.seed_models"),
        ({"ranking": replace(OPEN, window=2**31)}, "dimension.ranking.window"),
        ({"ranking": replace(OPEN, max_slides=1_001)}, "dimension.ranking.max_slides"),
        ({"ranking": replace(OPEN, jury="grand")}, "dimension.ranking.jury"),
        ({"ranking": replace(OPEN, weighting="wealth")}, "dimension.ranking.weighting"),
        ({"template": "pairwise@9"}, "dimension.template"),
        ({"allowed_providers": ("openai", "")}, "dimension.allowed_providers"),
        ({"allowed_providers": ("openai", "openai")}, "dimension.allowed_providers"),
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
        tag(ranking=replace(OPEN, window=2)),
        tag(allowed_providers=("openai",)),
    }
    assert len(tags) == 6
    assert tag() == tag()
