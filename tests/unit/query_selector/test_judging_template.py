"""How answers are judged, as a dimension declares it: what is refused, and in which field."""

from dataclasses import replace
from typing import Any

import pytest

from dearena.faults import BrokenPool, InvalidField
from dearena.judging.templates import TEMPLATES
from dearena.pools.json_lines import read_pool
from services.query_selector import dimension
from services.query_selector.judging_policy import JudgingPolicy
from tests.unit.query_selector.test_dimension import BARE

TEXT = TEMPLATES["pairwise@1"].text
POOL = read_pool(
    [
        b'{"id": "a", "text": "2 + 2?", "reference": "4"}\n\n',
        b'{"id": "b", "text": "3 + 3?"}\n{"id": "c", "text": "4 + 4?"}\n{"id": "d", "text": "?", "reference": " "}',
    ]
)


def declared(template: str = "", k: int = 4, **judging: Any) -> dimension.Declaration:
    selection = replace(BARE.selection, k=k)
    return replace(BARE, template=template, judging=JudgingPolicy(**judging), selection=selection)


def test_a_dimension_may_bring_its_template_and_rubric() -> None:
    made, _ = dimension.create(declared(template_text=TEMPLATES["rubric@1"].text, rubric="Be brief."), POOL)
    assert made.template == "own"
    assert made.judging.rubric == "Be brief."
    assert dimension.etag(made) != dimension.etag(replace(made, judging=replace(made.judging, rubric="Be long.")))


@pytest.mark.parametrize(
    ("template", "judging", "field"),
    [
        ("pairwise@9", {}, "dimension.template"),
        ("graded@1", {"template_text": TEXT}, "dimension.template"),
        ("", {"template_text": "Which is better?"}, "dimension.judging.template_text"),
        ("rubric@1", {}, "dimension.judging.rubric"),
        ("rubric@1", {"rubric": " \n"}, "dimension.judging.rubric"),
        ("", {"rubric": "Be brief."}, "dimension.judging.rubric"),
        ("", {"template_text": TEXT, "rubric": "Be brief."}, "dimension.judging.rubric"),
        ("rubric@1", {"rubric": "x" * 32_769}, "dimension.judging.rubric"),
        ("reference@1", {"template_without_reference": "plain@1"}, "dimension.judging.template_without_reference"),
        ("", {"template_without_reference": "graded@1"}, "dimension.judging.template_without_reference"),
        ("reference@1", {"template_without_reference": "reference@1"}, "dimension.judging.template_without_reference"),
        ("reference@1", {"template_without_reference": "rubric@1"}, "dimension.judging.rubric"),
        (
            "reference@1",
            {"template_without_reference": "pairwise@1", "rubric": "Be brief."},
            "dimension.judging.rubric",
        ),
    ],
)
def test_what_cannot_be_judged_by_is_refused_by_field(template: str, judging: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        dimension.create(declared(template, **judging), POOL)
    assert {one.field for one in caught.value.violations} == {field}


def test_queries_without_the_reference_that_judges_need_are_named_by_their_lines() -> None:
    with pytest.raises(BrokenPool, match=r"pool line 3: has no reference, .* reference@1 .* \(and 2 more\)") as caught:
        dimension.create(declared("reference@1"), POOL)
    assert [one.field for one in caught.value.violations] == ["pool line 3", "pool line 4", "pool line 5"]


def test_what_cannot_be_combined_is_said_in_a_line() -> None:
    problem = "stands beside the template pairwise@1, which needs no reference and judges every query"
    with pytest.raises(InvalidField, match=problem) as caught:
        dimension.create(declared(template_without_reference="graded@1"), POOL)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("template", "judging"),
    [
        ("reference@1", {"template_without_reference": "pairwise@1"}),
        ("reference@1", {"template_without_reference": "rubric@1", "rubric": "Be brief."}),
        ("", {"template_text": TEMPLATES["reference@1"].text, "template_without_reference": "pairwise@1"}),
    ],
)
def test_a_pool_with_some_references_is_accepted_where_there_is_a_template_for_the_others(
    template: str, judging: dict[str, Any]
) -> None:
    made, queries = dimension.create(declared(template, **judging), POOL)
    assert len(queries) == 4
    assert made.judging.template_without_reference == judging["template_without_reference"]


def test_an_etag_tells_of_a_second_template() -> None:
    made, _ = dimension.create(declared("reference@1", template_without_reference="pairwise@1"), POOL)
    other = replace(made, judging=replace(made.judging, template_without_reference="graded@1"))
    assert dimension.etag(made) != dimension.etag(other)


def test_only_queries_that_are_chosen_need_a_reference() -> None:
    pool = read_pool([b'{"id": "a", "text": "2 + 2?", "reference": "4"}'])
    made, _ = dimension.create(declared("reference@1", k=1), pool)
    assert made.template == "reference@1"
