"""Names and identities: what is equal hashes alike, what differs does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena import identity
from dearena.names import DimensionName, InvalidName, ModelName, Revision, canonical_pair, check_slug, slug_of

SLUGS = st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True)
REVISIONS = st.builds(Revision, SLUGS, st.integers(1, 10_000))


@given(SLUGS, SLUGS)
def test_resource_names_are_read_as_they_are_written(project: str, slug: str) -> None:
    assert ModelName.parse(str(ModelName(project, slug))) == ModelName(project, slug)
    assert DimensionName.parse(str(DimensionName(project, slug))) == DimensionName(project, slug)


@pytest.mark.parametrize("name", ["", "models/x", "projects/p/models/", "projects/p/models/X", "projects/p/models/x/y"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidName, match=r"projects/|slug"):
        ModelName.parse(name)


@given(REVISIONS)
def test_revisions_are_read_as_they_are_written(revision: Revision) -> None:
    assert Revision.parse(str(revision)) == revision


@pytest.mark.parametrize("text", ["a", "a@", "a@0", "a@01", "a@-1", "A@1", "a@1@2", "a@²"])
def test_other_revisions_are_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        Revision.parse(text)


@given(REVISIONS, REVISIONS)
def test_a_pair_has_one_order(one: Revision, other: Revision) -> None:
    if one == other:
        with pytest.raises(ValueError, match="itself"):
            canonical_pair(str(one), str(other))
    else:
        assert canonical_pair(str(one), str(other)) == canonical_pair(str(other), str(one))


def test_revisions_of_one_slug_are_ordered_as_numbers() -> None:
    assert canonical_pair("a@10", "a@9") == ("a@9", "a@10")


@given(st.text())
def test_a_slug_made_of_a_display_name_is_a_slug(text: str) -> None:
    try:
        slug = slug_of(text)
    except InvalidName:
        return
    assert check_slug(slug) == slug


@given(st.dictionaries(st.text(), st.integers(-(2**53) + 1, 2**53 - 1)))
def test_the_order_of_members_does_not_matter(value: dict[str, int]) -> None:
    assert identity.digest_of(value) == identity.digest_of(dict(reversed(value.items())))


def test_a_known_value_has_its_known_hash() -> None:
    # sha256 of the six bytes {"a":1} less the spaces, as RFC 8785 writes it.
    assert identity.digest_of({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60])
def test_what_has_no_canonical_json_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="canonical"):
        identity.digest_of({"x": value})


def test_the_same_question_asked_again_is_another_query() -> None:
    assert identity.query_hash("q1", ["why?"], "", "") != identity.query_hash("q2", ["why?"], "", "")


def test_any_text_that_python_holds_can_be_hashed() -> None:
    assert identity.text_hash("\ud800 and \U0001f980") != identity.text_hash("? and \U0001f980")
