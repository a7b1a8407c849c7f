"""A template of a dimension's own: what is let through, and what is refused with which words."""

import pytest

from dearena.judging.forms import PLAIN
from dearena.judging.own import TEXT_LONGEST, problems
from dearena.judging.templates import TEMPLATES, chosen

TEXT = TEMPLATES["pairwise@1"].text


@pytest.mark.parametrize("text", [template.text for template in TEMPLATES.values()], ids=TEMPLATES.keys())
def test_the_arenas_own_templates_pass(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not show {{question}}"),
        (TEXT + "\n{{model}}", "{{model}}, which is not known"),
        (TEXT + "\n{{ nonce }}", "{{ nonce }}, which is not known"),
        (TEXT.replace("{{answer_2}}", "it"), "does not show {{answer_2}}"),
        (TEXT + "\n{{answer_1}}", "shows {{answer_1}} 2 times"),
        (TEXT.replace("[END ANSWER 1 {{fence}}]", "[END ANSWER 1]"), "[END ANSWER 1 {{fence}}]"),
        (TEXT.replace("[QUESTION {{fence}}]\n", "Q: "), "[QUESTION {{fence}}]"),
        (TEXT + "\n{{reference}}", "[REFERENCE {{fence}}]"),
        (TEXT.replace("ANSWER 1", "X").replace("answer_1", "answer_9"), "{{answer_9}}, which is not known"),
        ("The code is {{nonce}}.\n" + TEXT, "names {{nonce}} before"),
        (TEXT.replace("VERDICT {{nonce}}: TIE\n", ""), "must ask below the blocks"),
        (TEXT.replace("VERDICT {{nonce}}: 2\n", "VERDICT {{nonce}}: 2>1\n"), "must ask below the blocks"),
        (TEXT.replace("VERDICT {{nonce}}: 1\n", "- VERDICT {{nonce}}: 1\n"), "must ask below the blocks"),
        (TEXT.rpartition("\n\n")[0], "ends with a verdict"),
        (TEXT.replace("\n", "\r\n"), "carriage returns"),
        (TEXT + "\nVERDICT {{nonce}}: 1\u2028x", "other line ends"),
        (TEXT + "\nVERDICT {{nonce}}: 1 is for the first.", "goes on behind a verdict"),
        (TEXT + "\nverdict {{nonce}}: 1", "must ask below the blocks"),
        (TEXT + "x" * TEXT_LONGEST, "at most 32,768"),
    ],
)
def test_what_would_not_be_safe_is_refused(text: str, said: str) -> None:
    found = problems(text)
    assert found
    assert any(said in problem for problem in found), found


def test_answers_in_another_order_are_refused() -> None:
    first, second = (f"[ANSWER {n} {{{{fence}}}}]\n{{{{answer_{n}}}}}\n[END ANSWER {n} {{{{fence}}}}]" for n in (1, 2))
    swapped = TEXT.replace(first, "{{x}}").replace(second, first).replace("{{x}}", second)
    assert problems(swapped) == ["must show the question first, then answer 1, then answer 2"]


def test_grades_named_in_a_sentence_do_not_change_the_scale() -> None:
    text = TEXT + "\nGrades such as VERDICT {{nonce}}: 1>>2 are not wanted."
    assert problems(text) == []
    assert chosen("", text).scale is PLAIN
