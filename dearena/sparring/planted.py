"""A world whose truth is known: every model has a skill, every judge a sharpness, every verdict its odds.

The constants are those of the economy world behind the arena's simulated figures, so that figures can be
compared; they are not settings. All lots are drawn by hash of the seed and of what the lot is about, so
that any slug is a model without a list of models, and a repeated call has the same reply whatever the
prompt's wording, its nonces, or the age of the server. Pure.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from scipy.special import expit

from dearena.identity import text_hash
from dearena.sparring import reading
from dearena.sparring.answer_code import Authored, author_of
from dearena.sparring.calls import Call, Completed, Purpose, Refused, Reply, bad_request
from dearena.sparring.chance import happens, normal, uniform
from dearena.sparring.planted_text import answer_text, refusal_text, unreadable_text
from dearena.sparring.reading import JudgingPrompt, Seat

QUERY_EFFECT_SD = 0.8
"""How far a model's answer to one query strays from its skill, whose own deviation is 1."""
SHARPNESS_SCALE = 1.6
SHARPNESS_FLOOR = 0.05
SHARPNESS_MEAN = 0.7
SHARPNESS_BY_SKILL = 0.35
SHARPNESS_SD = 0.25
PARTIALITY = 6.0
"""Log-odds by which a partial judge favours its own."""
FAMILIES = 4
REFUSAL_COST = 3.0
"""What an answer that declines loses against the same model's honest one, in units of skill."""


class Character(StrEnum):
    """How a judge uses what it sees."""

    HONEST = "honest"
    INVERTED = "inverted"
    """Says the opposite."""
    FIRST = "first"
    """Always prefers the first seat."""
    FAMILY = "family"
    """Prefers models of its own family."""
    COLLUSION = "collusion"
    """Prefers one and the same model, the world's `favourite`."""


def skill(seed: int, model: str) -> float:
    """The truth about a model, standard normal over models."""
    return normal(seed, "skill", model)


def truth(seed: int, models: Iterable[str]) -> dict[str, float]:
    """Planted skill by upstream model id: what a leaderboard should come out as."""
    return {model: skill(seed, model) for model in models}


def family_of(seed: int, model: str) -> str:
    """The family that partial judges see in a model: `family-0` to `family-3`."""
    return f"family-{int(FAMILIES * uniform(seed, 'family', model))}"


def query_effect(seed: int, model: str, query: str) -> float:
    """How much better than usual the model's answer to this query is."""
    return QUERY_EFFECT_SD * normal(seed, "query effect", model, query)


def sharpness(seed: int, judge: str) -> float:
    """Log-odds that a judge's verdict gains for one unit of quality between two answers."""
    by_skill = SHARPNESS_MEAN + SHARPNESS_BY_SKILL * skill(seed, judge)
    return SHARPNESS_SCALE * max(SHARPNESS_FLOOR, by_skill + SHARPNESS_SD * normal(seed, "sharpness", judge))


@dataclass(frozen=True, kw_only=True)
class PlantedWorld:
    """A seed, and what goes wrong in its world. Every `…_rate` is a probability.

    By default nothing goes wrong, and the world is exactly the economy world.
    """

    seed: int
    tie_rate: float = 0.0
    """A judge finds a cell tied, in both seat orders."""
    tie_flip_rate: float = 0.0
    """In one seat order of a tied cell it decides all the same."""
    unreadable_rate: float = 0.0
    """A judging reply has no readable verdict, per seat order."""
    judge_refusal_rate: float = 0.0
    """A judge declines to judge, per cell."""
    answer_refusal_rate: float = 0.0
    """A model declines to answer a query; judges think little of that."""
    failure_rate: float = 0.0
    """A call ends with HTTP 500, however often it is repeated."""
    delay_seconds: float = 0.0
    """Mean time to a reply; single ones lie within half of it either way."""
    first_seat_mean: float = 0.0
    first_seat_sd: float = 0.0
    """Log-odds for the first seat: a judge's own bias is normal with this mean and deviation."""
    hostile_rate: float = 0.0
    """A judge is of the `hostile` character."""
    hostile: Character = Character.HONEST
    characters: Mapping[str, Character] = field(default_factory=dict)
    """Judges whose character is set by hand."""
    favourite: str = ""
    """The model that colluding judges prefer."""

    RATES: ClassVar[tuple[str, ...]] = (
        "tie_rate",
        "tie_flip_rate",
        "unreadable_rate",
        "judge_refusal_rate",
        "answer_refusal_rate",
        "failure_rate",
        "hostile_rate",
    )

    def __post_init__(self) -> None:
        """Refuse what is no probability, no duration, or half a conspiracy.

        Raises:
            ValueError: says which field and why.
        """
        for name in self.RATES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: a probability lies between 0 and 1")
        for name in ("delay_seconds", "first_seat_sd"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must not be negative")
        if Character.COLLUSION in {self.hostile, *self.characters.values()} and not self.favourite:
            raise ValueError("colluding judges need a favourite, the upstream id of a model")

    def models(self) -> Sequence[str]:
        """Nobody in particular: any id is a model."""
        return ()

    def reply(self, call: Call) -> Reply:
        """Answer the query, or judge the two answers shown.

        A call whose purpose was not told is judging when its prompt reads as such.
        """
        try:
            shown = None if call.purpose is Purpose.ANSWER else reading.read(call.prompt)
        except reading.UnreadablePrompt as error:
            if call.purpose is Purpose.JUDGE:
                return bad_request("unreadable_prompt", str(error))
            shown = None
        return self._answer(call) if shown is None else self._judge(call, shown)

    def _answer(self, call: Call) -> Reply:
        key = (self.seed, "answer", call.model, call.query)
        delay = self._delay(*key)
        if happens(self.failure_rate, "failure", *key):
            return _failed(delay)
        author = Authored(call.model, call.query)
        write = refusal_text if self._declines(author) else answer_text
        return Completed(write(self.seed, author, call.user_messages[0]), delay_seconds=delay)

    def _judge(self, call: Call, shown: JudgingPrompt) -> Reply:
        query = call.told_query or "text:" + text_hash(shown.question)
        first, second = _identity(shown.first), _identity(shown.second)
        seat_key = (self.seed, "judge", call.model, query, first, second)
        delay = self._delay(*seat_key)
        if happens(self.failure_rate, "failure", *seat_key):
            return _failed(delay)
        cell_key = (self.seed, "judge", call.model, query, min(first, second), max(first, second))
        if happens(self.judge_refusal_rate, "refusal", *cell_key):
            return Completed("I would rather not judge these answers.", delay_seconds=delay)
        if happens(self.unreadable_rate, "unreadable", *seat_key):
            return Completed(unreadable_text(*seat_key), delay_seconds=delay)
        verdict = self.verdict(call.model, query, shown.first, shown.second)
        return Completed(reading.spoken(verdict, shown.nonce), delay_seconds=delay)

    def verdict(self, judge: str, query: str, first: str, second: str) -> Seat:
        """What a judge says of two answers in this seat order; the orders of a cell are drawn apart."""
        texts = _identity(first), _identity(second)
        seat_key = (self.seed, judge, query, *texts)
        tied = happens(self.tie_rate, "tie", self.seed, judge, query, *sorted(texts))
        if (
            tied
            and self.character(judge) is not Character.FIRST
            and not happens(self.tie_flip_rate, "untie", *seat_key)
        ):
            return Seat.TIE
        chance = self.first_seat_chance(judge, query, first, second)
        return Seat.FIRST if happens(chance, "verdict", *seat_key) else Seat.SECOND

    def first_seat_chance(self, judge: str, query: str, first: str, second: str) -> float:
        """Probability that a verdict which is no tie goes to the answer in the first seat."""
        quality = self.quality(query, first) - self.quality(query, second)
        seat = self.first_seat_mean + self.first_seat_sd * normal(self.seed, "first seat", judge)
        log_odds = sharpness(self.seed, judge) * quality + seat
        match self.character(judge):
            case Character.HONEST:
                return float(expit(log_odds))
            case Character.INVERTED:
                return float(expit(-log_odds))
            case Character.FIRST:
                return 1.0
            case Character.FAMILY | Character.COLLUSION:
                favour = self._favours(judge, first) - self._favours(judge, second)
                return float(expit(log_odds + PARTIALITY * favour))

    def quality(self, query: str, text: str) -> float:
        """How good an answer is: the author's skill and the query's effect.

        A text that no model of this world wrote, say of a real model that plays along, has a quality drawn
        from the same population by hash of the text: judges agree on it, and no tie is made up.
        """
        author = author_of(self.seed, text)
        if author is None:
            return math.hypot(1, QUERY_EFFECT_SD) * normal(self.seed, "stranger", query, _identity(text))
        cost = REFUSAL_COST if self._declines(author) else 0.0
        return skill(self.seed, author.model) + query_effect(self.seed, author.model, author.query) - cost

    def character(self, judge: str) -> Character:
        """How a judge judges: as set by hand, else hostile at the world's rate."""
        if judge in self.characters:
            return self.characters[judge]
        return self.hostile if happens(self.hostile_rate, self.seed, "hostile", judge) else Character.HONEST

    def _favours(self, judge: str, text: str) -> bool:
        author = author_of(self.seed, text)
        if author is None:
            return False
        if self.character(judge) is Character.COLLUSION:
            return author.model == self.favourite
        return family_of(self.seed, author.model) == family_of(self.seed, judge)

    def _declines(self, author: Authored) -> bool:
        return happens(self.answer_refusal_rate, "declines", self.seed, author.model, author.query)

    def _delay(self, *key: str | int) -> float:
        return self.delay_seconds * (0.5 + uniform("delay", *key))


def _identity(text: str) -> str:
    """A shown answer's hash; the way through prompts may cost a text its outer white space."""
    return text_hash(text.strip())


def _failed(delay: float) -> Refused:
    return Refused(500, "server_error", "the planted model fails at this call", delay_seconds=delay)
