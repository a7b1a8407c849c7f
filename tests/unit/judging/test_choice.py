"""Which template a query of a dimension is judged by."""

import pytest

from dearena.faults import UnknownTemplate
from dearena.judging.choice import choice_of
from dearena.judging.templates import TEMPLATES, chosen


@pytest.mark.parametrize(("reference", "template"), [("4", "reference@1"), ("", "pairwise@1"), (" \n", "pairwise@1")])
def test_a_query_with_a_reference_is_judged_beside_it_and_another_without(reference: str, template: str) -> None:
    choice = choice_of("reference@1", without_reference="pairwise@1")
    assert choice.of(reference) == TEMPLATES[template]


@pytest.mark.parametrize("reference", ["4", ""])
def test_with_one_template_all_are_judged_by_it(reference: str) -> None:
    assert choice_of("").of(reference) == TEMPLATES["pairwise@1"]
    assert choice_of("rubric@1", rubric="Be brief.").of(reference) == chosen("rubric@1", rubric="Be brief.")


def test_either_is_found_by_hash_with_its_rubric_and_no_other() -> None:
    choice = choice_of("", TEMPLATES["reference@1"].text, "Be brief.", "rubric@1")
    for template in (chosen("", TEMPLATES["reference@1"].text), chosen("rubric@1", rubric="Be brief.")):
        assert choice.hashed(template.hash) == template
    with pytest.raises(UnknownTemplate):
        choice.hashed(TEMPLATES["pairwise@1"].hash)
    with pytest.raises(UnknownTemplate):
        choice_of("", without_reference="none@1")
