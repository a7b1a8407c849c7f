"""Dispatcher and sparring judges understand each other: one writes the prompt, the other the verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.judging import verdict
from dearena.judging.templates import TEMPLATES, Template
from dearena.outcomes import SeatVerdict
from dearena.sparring import reading
from dearena.sparring.reading import Seat

FENCE = "0123456789abcdef"
NONCE = "fedcba9876543210"
texts = st.text().filter(lambda text: FENCE not in text)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
@given(question=texts, first=texts, second=texts)
def test_a_sparring_judge_reads_every_template_to_the_letter(
    template: Template, question: str, first: str, second: str
) -> None:
    prompt = template.render(turns=[question], first=first, second=second, fence=FENCE, nonce=NONCE)
    assert reading.read(prompt) == reading.JudgingPrompt(question, first, second, NONCE)


@pytest.mark.parametrize(
    ("seat", "understood"),
    [(Seat.FIRST, SeatVerdict.FIRST), (Seat.SECOND, SeatVerdict.SECOND), (Seat.TIE, SeatVerdict.TIE)],
)
def test_the_dispatcher_reads_what_a_sparring_judge_says(seat: Seat, understood: SeatVerdict) -> None:
    assert verdict.read(reading.spoken(seat, NONCE), NONCE) == verdict.Reading(understood)
