"""Question pools: what is read, what is refused, and how it is told."""

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena import identity
from dearena.faults import BrokenPool
from dearena.pools import json_lines as pool
from dearena.pools.json_lines import PoolReader, Question, read_pool

ids = st.text(min_size=1, max_size=20).filter(str.strip)
texts = st.text(min_size=1, max_size=60).filter(str.strip)
questions = st.builds(
    Question.of,
    query_id=ids,
    turns=st.lists(texts, min_size=1, max_size=3),
    reference=st.text(max_size=10),
    category=st.text(max_size=10),
)
pools = st.lists(questions, min_size=1, max_size=8, unique_by=lambda question: question.query_id)


def line(**members: Any) -> bytes:
    return json.dumps(members).encode()


def written(pool: list[Question], *, ascii_only: bool) -> bytes:
    return "\n".join(
        json.dumps(
            {"id": one.query_id, "turns": list(one.turns), "reference": one.reference, "category": one.category},
            ensure_ascii=ascii_only,
        )
        for one in pool
    ).encode()


def fault_of(data: bytes) -> BrokenPool:
    with pytest.raises(BrokenPool) as caught:
        read_pool([data])
    return caught.value


@given(pool=pools, ascii_only=st.booleans(), cuts=st.lists(st.integers(min_value=0, max_value=2_000), max_size=12))
def test_where_the_stream_is_cut_does_not_matter(pool: list[Question], *, ascii_only: bool, cuts: list[int]) -> None:
    data = written(pool, ascii_only=ascii_only)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert read_pool(pieces).questions == tuple(pool)
    assert read_pool(bytes([byte]) for byte in data).questions == tuple(pool)


def test_a_question_has_the_identity_that_all_services_give_it() -> None:
    (question,) = read_pool([line(id="q1", text="Why?", reference="because", category="doubt")]).questions
    assert question.turns == ("Why?",)
    assert question.query_hash == identity.query_hash("q1", ["Why?"], "because", "doubt")


def test_equal_texts_are_two_questions() -> None:
    found = read_pool([line(id="a", text="Why?") + b"\n" + line(id="b", text="Why?")]).questions
    assert [question.query_id for question in found] == ["a", "b"]
    assert found[0].query_hash != found[1].query_hash


@pytest.mark.parametrize(
    "data",
    [
        b"\n\n" + line(id="a", text="Why?") + b"\n \t\n",
        line(id="a", text="Why?") + b"\r\n\r\n",
        b"\xef\xbb\xbf" + line(id="a", text="Why?"),
        line(id="a", text="Why?", reference=None, turns=None, difficulty=3, tags=["x"]),
    ],
    ids=["blank lines", "line ends of Windows", "byte order mark", "further members"],
)
def test_what_is_no_question_is_left_alone(data: bytes) -> None:
    assert read_pool([data]).questions == (Question.of("a", ["Why?"]),)


def test_emojis_and_line_separators_within_a_text_stay_as_they_are() -> None:
    text = "Who is 👩🏽‍🚀?\u2028Really?\x85"
    data = json.dumps({"id": "🚀", "text": text}, ensure_ascii=False).encode()
    assert read_pool([data]).questions == (Question.of("🚀", [text]),)


@pytest.mark.parametrize(
    ("broken", "description"),
    [
        (b'{"id": "x", "text": "Why?"', "not JSON: Expecting ',' delimiter at column 27"),
        (b"[1, 2]", "not a JSON object"),
        (b'"Why?"', "not a JSON object"),
        (b'{"text": "Why?"}', "id is missing"),
        (b'{"question_id": 81, "text": "Why?"}', 'id is missing; there is "question_id"'),
        (b'{"id": " ", "text": "Why?"}', "id is empty"),
        (b'{"id": 7, "text": "Why?"}', "id must be a string"),
        (line(id="x" * 257, text="Why?"), "id is longer than 256 characters"),
        (b'{"id": "good", "text": "Why?"}', 'id "good" stands in line 1 already'),
        (b'{"id": "x"}', "has neither text nor turns"),
        (b'{"id": "x", "text": "Why?", "turns": ["Why?"]}', "has text and turns; one of them must go"),
        (b'{"id": "x", "text": " \\n"}', "text is empty"),
        (b'{"id": "x", "text": ["Why?"]}', "text must be a string"),
        (b'{"id": "x", "turns": "Why?"}', "turns must be a list of strings"),
        (b'{"id": "x", "turns": ["Why?", 2]}', "turns must be a list of strings"),
        (b'{"id": "x", "turns": []}', "turns is empty"),
        (b'{"id": "x", "turns": ["Why?", ""]}', "turn 2 is empty"),
        (b'{"id": "x", "text": "Why?", "reference": 4}', "reference must be a string"),
        (b'{"id": "x", "id": "y", "text": "Why?"}', '"id" stands twice in one object'),
        (b'{"id": "x", "text": "caf\xe9"}', "not UTF-8: byte 25 of the line is 0xe9"),
        (b'{"id": "x", "text": "\\ud83d"}', "an escape names half of a surrogate pair, which is no character"),
        (b'{"\\ud83did": "x", "text": "Why?"}', 'id is missing; there is "\\ud83did"'),
        (line(id="x", text="é" * 600_000), "the question has 1,200,001 bytes; at most 1,048,576 are allowed"),
        (b'{"id": "x", "text": "' + b"y" * pool.MAX_LINE_BYTES + b'"}', "the line is longer than 8,388,608 bytes"),
    ],
)
def test_a_broken_line_is_named_with_what_is_wrong(broken: bytes, description: str) -> None:
    fault = fault_of(line(id="good", text="Why?") + b"\n\n" + broken + b"\n" + line(id="last", text="Why?"))
    assert [(one.field, one.description) for one in fault.violations] == [("pool line 3", description)]
    assert str(fault) == f"pool line 3: {description}"


@pytest.mark.parametrize("broken", [b"[" * 100_000, b'{"id": ' + b"9" * 5_000 + b"}"], ids=["depth", "digits"])
def test_json_that_python_will_not_read_is_a_broken_line(broken: bytes) -> None:
    (violation,) = fault_of(broken).violations
    assert violation.field == "pool line 1"
    assert violation.description.startswith("not JSON that can be read")


def test_twenty_broken_lines_are_listed_and_the_others_counted() -> None:
    fault = fault_of(b"{}\n" * 57)
    assert [one.field for one in fault.violations] == [f"pool line {number}" for number in range(1, 21)]
    assert str(fault) == "pool line 1: id is missing (and 56 more broken lines)"


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf\n"])
def test_a_pool_without_a_question_is_refused(data: bytes) -> None:
    assert str(fault_of(data)) == "the pool holds no question"


def test_a_pool_that_is_too_large_is_refused_while_it_arrives() -> None:
    reader = PoolReader(max_bytes=100, max_questions=10)
    reader.feed(b" " * 100)
    with pytest.raises(BrokenPool, match="larger than 100 bytes"):
        reader.feed(b" ")


def test_a_pool_of_too_many_questions_is_refused() -> None:
    data = b"\n".join(line(id=str(number), text="Why?") for number in range(3))
    assert len(read_pool([data], max_questions=3).questions) == 3
    with pytest.raises(BrokenPool, match="more than 2 questions"):
        read_pool([data], max_questions=2)


def test_a_pool_of_a_hundred_thousand_is_read_in_seconds() -> None:
    count = 100_000
    data = b"\n".join(line(id=f"q{number}", text=f"What is {number} squared?") for number in range(count))
    started = time.process_time()
    found = read_pool(data[start : start + 65_536] for start in range(0, len(data), 65_536))
    assert len(found.questions) == count
    assert time.process_time() - started < 20


def test_the_hash_of_a_pool_depends_on_each_question_and_their_order() -> None:
    one, other = line(id="a", text="Why?"), line(id="b", text="How?")
    hashes = {read_pool([data]).pool_hash() for data in (one, other, one + b"\n" + other, other + b"\n" + one)}
    assert len(hashes) == 4
