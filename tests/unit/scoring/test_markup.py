"""How much markdown an answer wears."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.scoring.markup import Markup, markup

ANSWER = """\
# Plan

Take **both** and _then_ some.

1. first, *slanted*
2) second
- third
  * fourth
> + fifth

```python
# no heading
- no item
**no emphasis**
```

Done.
"""


def test_an_answer_is_counted() -> None:
    assert markup(ANSWER) == Markup(characters=len(ANSWER) - 1, headings=1, emphases=3, list_items=5, code_blocks=1)


@pytest.mark.parametrize("text", ["", "  \n\n ", "Plain words only.\nAnd a second line."])
def test_plain_text_wears_none(text: str) -> None:
    assert markup(text) == Markup(len(text.strip()), 0, 0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "snake_case_name and name_of__it",
        r"\*escaped\*",
        "`**code**`",
        "* * *",
        "---",
        "**",
        "** spaced **",
        "#hashtag",
        "-5 degrees",
        "1.5 litres",
        "- ",
    ],
)
def test_what_only_looks_like_markup_is_none(text: str) -> None:
    counted = markup(text)
    assert (counted.headings, counted.emphases, counted.list_items, counted.code_blocks) == (0, 0, 0, 0)


@pytest.mark.parametrize("text", ["**b**", "*i*", "***both***", "__b__", "_i_", "say **so**.", "2*3*4"])
def test_a_passage_is_emphasised_once(text: str) -> None:
    assert markup(text).emphases == 1


def test_a_rule_is_no_list() -> None:
    assert markup("* * *\n- - -\n***").list_items == 0


@pytest.mark.parametrize(
    ("text", "blocks", "headings"),
    [
        ("```\n# in\n", 1, 0),  # never closed
        ("~~~\n```\n# in\n~~~\n# out", 1, 1),  # another mark does not close
        ("````\n```\n# in\n````\n# out", 1, 1),  # nor a shorter one
        ("```\n``` py\n# in\n```\n# out", 1, 1),  # nor one with a word
        ("```\na\n```\n```\nb\n```", 2, 0),
        ("``` a ``` b\n# out", 0, 1),  # a span of code
        ("    ```\n# out", 0, 1),  # indented too far
    ],
)
def test_blocks_of_code_begin_and_end_as_in_markdown(text: str, blocks: int, headings: int) -> None:
    counted = markup(text)
    assert (counted.code_blocks, counted.headings) == (blocks, headings)


@given(st.text(alphabet="#*_-`~>1. \nab", max_size=60))
def test_any_text_can_be_counted(text: str) -> None:
    counted = markup(text)
    assert all(count >= 0 for count in counted)
    assert counted.characters == len(text.strip())


@pytest.mark.parametrize("unclosed", ["*a ", "_a ", "`a", "**a *b ", "`", "> ", "* "])
def test_marks_that_are_never_closed_cost_no_more_than_reading(unclosed: str) -> None:
    """Time grows with the length, not with its square: an answer is data from outside."""

    def seconds(times: int) -> float:
        started = process_time()
        markup("x " + unclosed * times)
        return process_time() - started

    short = min(seconds(4_000) for _ in range(5))
    assert min(seconds(64_000) for _ in range(2)) < 100 * max(short, 1e-4)  # 256 times, were it the square
