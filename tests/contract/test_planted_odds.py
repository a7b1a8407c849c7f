"""What planted judges say without being asked is what a judge dispatcher hears when it asks them."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.identity import text_hash
from dearena.judging import verdict
from dearena.judging.conversations import answer_text
from dearena.judging.templates import PAIRWISE_1
from dearena.outcomes import SeatVerdict
from dearena.sparring.calls import Call, Completed, Purpose
from dearena.sparring.odds import Odds, Shown
from dearena.sparring.planted import Character, PlantedWorld

MODELS = [f"model-{number:03}" for number in range(8)]
QUESTIONS = {
    "q1": ("What is 2 squared?",),
    "q2": ("Let x be the least integer of which the square exceeds twice its own value. Which is it, and why?",),
    "q3": ("How do I find the roots of a polynomial of degree two?", "And of degree three?"),
}
CHARACTERS = {
    "model-001": Character.INVERTED,
    "model-002": Character.FIRST,
    "model-003": Character.FAMILY,
    "model-004": Character.COLLUSION,
    "model-005": Character.UNREADABLE,
}
PLAIN = PlantedWorld(seed=0)
WORLDS = [
    PLAIN,
    PlantedWorld(seed=3, first_seat_mean=0.3, first_seat_sd=0.5),
    PlantedWorld(seed=1, characters=CHARACTERS, favourite="model-000"),
    PlantedWorld(seed=1, hostile=Character.COLLUSION, hostile_rate=0.5, favourite="model-000"),
    PlantedWorld(
        seed=2,
        characters=CHARACTERS,
        favourite="model-000",
        tie_rate=0.4,
        tie_flip_rate=0.3,
        unreadable_rate=0.2,
        judge_refusal_rate=0.1,
        answer_refusal_rate=0.3,
        failure_rate=0.1,
        first_seat_sd=0.3,
        delay_seconds=1.0,
    ),
    PlantedWorld(seed=4, log_discrimination_sd=0.6, dead_rate=0.3, mislabelled_rate=0.3, first_seat_sd=0.3),
]
EVERY_ODDS = [Odds(world) for world in WORLDS]

odds_of_a_world = st.sampled_from(EVERY_ODDS)
models = st.sampled_from(MODELS)
queries = st.sampled_from(sorted(QUESTIONS))


def heard(world: PlantedWorld, judge: str, first: Shown, second: Shown) -> SeatVerdict:
    """As it goes in a whole system: a rendered prompt, the reply, the dispatcher's reading of it."""
    nonce = text_hash(first.text + second.text)[:16]
    prompt = PAIRWISE_1.render(
        turns=QUESTIONS[first.query], first=first.text, second=second.text, fence="00112233445566aa", nonce=nonce
    )
    reply = world.reply(Call(judge, (prompt,), first.query, Purpose.JUDGE))
    if not isinstance(reply, Completed):
        return SeatVerdict.NONE
    return verdict.read(reply.text, nonce, reply.finish_reason).verdict


def both_are_alike(odds: Odds, judge: str, one: Shown | None, other: Shown | None) -> None:
    if one is None or other is None:
        return
    for first, second in ((one, other), (other, one)):
        assert odds.seat(judge, first, second) is heard(odds.world, judge, first, second)


@given(odds_of_a_world, models, models, models, queries)
def test_votes_are_those_of_the_server(odds: Odds, judge: str, model: str, other: str, query: str) -> None:
    both_are_alike(
        odds, judge, odds.answer(model, query, QUESTIONS[query]), odds.answer(other, query, QUESTIONS[query])
    )


@given(odds_of_a_world, models, models, queries)
def test_canaries_are_those_of_the_server(odds: Odds, judge: str, model: str, query: str) -> None:
    whole = odds.answer(model, query, QUESTIONS[query])
    if whole is not None:
        both_are_alike(odds, judge, whole, whole)
        both_are_alike(odds, judge, whole, odds.truncation(whole))


@given(odds_of_a_world, models, models, queries, st.text(max_size=120))
def test_strangers_fare_as_at_the_server(odds: Odds, judge: str, model: str, query: str, text: str) -> None:
    stranger = odds.text(query, text)
    both_are_alike(odds, judge, stranger, odds.answer(model, query, QUESTIONS[query]))
    both_are_alike(odds, judge, stranger, odds.truncation(stranger))


def test_the_worlds_above_hold_every_verdict() -> None:
    said: Counter[SeatVerdict] = Counter()
    for odds, judge, model, query in product(EVERY_ODDS, MODELS, MODELS[:3], QUESTIONS):
        one, other = (odds.answer(name, query, QUESTIONS[query]) for name in (model, "model-007"))
        if one is not None and other is not None:
            said[odds.seat(judge, one, other)] += 1
    assert said.keys() == set(SeatVerdict)


@pytest.mark.parametrize("world", WORLDS)
def test_an_answer_is_the_one_that_the_gateway_keeps(world: PlantedWorld) -> None:
    odds = Odds(world)
    for model, (query, turns) in product(MODELS, QUESTIONS.items()):
        replies = [world.reply(Call(model, turns[:n], query, Purpose.ANSWER)) for n in range(1, len(turns) + 1)]
        shown = odds.answer(model, query, turns)
        texts = [reply.text for reply in replies if isinstance(reply, Completed)]
        if len(texts) < len(turns):
            assert shown is None
        else:
            assert shown is not None
            assert shown.text == answer_text(tuple(texts))
