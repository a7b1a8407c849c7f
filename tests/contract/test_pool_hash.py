"""The client and the query selector give a question pool one name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.client import pools
from dearena.pools.json_lines import read_pool

texts = st.text(min_size=1, max_size=30).filter(str.strip)
optional = st.none() | st.text(max_size=10)
spoken = st.fixed_dictionaries({"text": texts}) | st.fixed_dictionaries(
    {"turns": st.lists(texts, min_size=1, max_size=3)}
)
questions = st.builds(
    lambda said, reference, category: {**said, "reference": reference, "category": category, "more": 1},
    spoken,
    optional,
    optional,
)
lists_of_questions = st.lists(questions, min_size=1, max_size=6)


@given(found=lists_of_questions, separator=st.sampled_from([b"\n", b"\r\n", b"\n\n \n"]), marked=st.booleans())
def test_both_hash_a_pool_alike(found: list[dict[str, Any]], separator: bytes, *, marked: bool) -> None:
    lines = [json.dumps({"id": f"q{at}", **question}).encode() for at, question in enumerate(found)]
    content = (b"\xef\xbb\xbf" if marked else b"") + separator.join(lines)
    assert pools.pool_hash(content) == read_pool([content]).pool_hash()


@given(found=lists_of_questions)
def test_questions_at_hand_travel_as_they_are(found: list[dict[str, Any]]) -> None:
    named = [{"id": f"q{at}", **question} for at, question in enumerate(found)]
    content = pools.content_of(named)
    assert b"".join(pools.pieces_of(content)) == content
    assert [question.query_id for question in read_pool([content]).questions] == [one["id"] for one in named]


DEEP = b'{"id": "a", "text": "b", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "content", [b"{", b"{}", b"[]", b'{"id": "a"}', b'{"id": 1, "turns": 5}', b"\xff", b'"x"', DEEP]
)
def test_a_pool_that_would_be_refused_equals_none(content: bytes) -> None:
    assert pools.pool_hash(content) == ""
