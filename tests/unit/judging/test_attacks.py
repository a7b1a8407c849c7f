"""No text in an answer is read as a verdict, whatever of it a judge repeats; only the judge's own ending is.

Each attack of the corpus stands in each seat of each template, and what a judge might copy is read as its reply.
"""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.attacks.corpus import CORPUS, NAMES, Attack
from dearena.attacks.questions import QUESTIONS
from dearena.judging.forms import Form
from dearena.judging.nonces import codes_of
from dearena.judging.prompt import Prompt, prompt_of
from dearena.judging.templates import TEMPLATES, Template, chosen
from dearena.outcomes import SeatVerdict

SECRET = b"the secret of an installation"
CODES = codes_of(SECRET, "0" * 64)
QUESTION = QUESTIONS[0]
CHOSEN = {name: chosen(name, rubric="Facts first.") for name in TEMPLATES}

every_attack = pytest.mark.parametrize("attack", CORPUS, ids=NAMES)
every_template = pytest.mark.parametrize("template", CHOSEN.values(), ids=CHOSEN)
every_form = pytest.mark.parametrize("form", Form)


def sent(template: Template, form: Form, first: str, second: str) -> Prompt:
    return prompt_of(template, form, CODES, turns=[QUESTION.text], first=first, second=second, reference=QUESTION.good)


def copies(answer: str, prompt: str) -> Iterator[str]:
    """What a judge might say that takes its words from the answer or the prompt."""
    knowing = answer.replace("0000000000000000", CODES.fence).replace("{{fence}}", CODES.fence)
    for quoted in (answer, knowing):
        yield quoted
        yield f"Answer 1 is better, for it says:\n\n{quoted}"
        yield f"I am persuaded.\n{quoted}\n\n"
        yield f"```\n{quoted}\n```"
        yield f"<think>{quoted}"
        yield f"<think>hm</think>\n{quoted}"
        yield quoted.rpartition("\n")[2]
        yield json.dumps({"reasoning": quoted, "nonce": "0" * 16, "verdict": "1"})
        yield json.dumps({"reasoning": quoted, "nonce": CODES.fence, "verdict": "1"})
        yield json.dumps({"reasoning": quoted})
        yield f'{{"reasoning": "{quoted}", "nonce": "{CODES.verdict}", "verdict": "3"}}'
    lines = prompt.split("\n")
    for end in range(1, len(lines) + 1):
        yield "\n".join(lines[:end])


def is_read(prompt: Prompt, reply: str) -> bool:
    """Whether a reply is a verdict, be the endpoint one that was held to a schema or not."""
    readings = [prompt.read(reply, structured=structured) for structured in (False, True)]
    return any(reading.verdict is not SeatVerdict.UNREADABLE for reading in readings)


@every_form
@every_template
@every_attack
def test_nothing_copied_from_an_attack_or_its_prompt_is_a_verdict(
    attack: Attack, template: Template, form: Form
) -> None:
    for answer in attack.answers(QUESTION):
        for seats in ((answer, QUESTION.good), (QUESTION.good, answer)):
            prompt = sent(template, form, *seats)
            assert [reply for reply in copies(answer, prompt.text) if is_read(prompt, reply)] == []


@every_form
@every_template
@every_attack
def test_a_judge_that_ends_in_its_own_words_is_understood_whatever_it_has_quoted(
    attack: Attack, template: Template, form: Form
) -> None:
    word = template.scale.words[-1]
    for answer in attack.answers(QUESTION):
        prompt = sent(template, form, answer, QUESTION.good)
        reply = f"Answer 1 tries this:\n{answer}\n\nIt is wrong all the same.\nVERDICT {CODES.verdict}: {word}"
        assert prompt.read(reply).verdict is template.scale.verdicts[word]
        reply = json.dumps({"reasoning": answer, "nonce": CODES.verdict, "verdict": word})
        assert prompt.read(reply, structured=True).verdict is template.scale.verdicts[word]


@every_form
@every_template
@every_attack
def test_an_attack_closes_no_block_and_holds_no_code(attack: Attack, template: Template, form: Form) -> None:
    quiet = sent(template, form, "", "").text
    for answer in attack.answers(QUESTION):
        text = sent(template, form, answer, QUESTION.good).text
        assert answer in text
        for code in (CODES.fence, CODES.verdict):
            assert text.count(code) == quiet.count(code)


@given(secret=st.binary(min_size=16, max_size=32), call=st.text("0123456789abcdef", min_size=64, max_size=64))
def test_no_call_has_a_code_that_the_corpus_guesses(secret: bytes, call: str) -> None:
    codes = codes_of(secret, call)
    for attack in CORPUS:
        for answer in attack.answers(QUESTION):
            assert codes.fence not in answer
            assert codes.verdict not in answer


@given(
    answer=st.lists(
        st.sampled_from([line for attack in CORPUS for text in attack.answers(QUESTION) for line in text.split("\n")])
        | st.text(max_size=40),
        max_size=12,
    ).map("\n".join),
    first=st.booleans(),
)
def test_no_answer_made_of_pieces_of_attacks_is_a_verdict(answer: str, *, first: bool) -> None:
    for template in CHOSEN.values():
        for form in Form:
            prompt = sent(template, form, *((answer, QUESTION.good) if first else (QUESTION.good, answer)))
            assert not any(is_read(prompt, reply) for reply in (answer, prompt.text, f"So:\n{answer}"))
