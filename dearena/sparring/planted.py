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
from typing import ClassVar, Final

from scipy.special import expit

from dearena.canaries import truncated
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
TRUNCATION_COST = 3.0
"""What the truncation of an answer loses against the whole, in units of skill."""
MUCH_BETTER = 0.9
"""Where grades are asked for: an answer that is preferred with at least this probability is much better."""


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
    UNREADABLE = "unreadable"
    """Judges as an honest one does, and never says so in a form that can be read."""


PARTIAL: Final = frozenset({Character.FAMILY, Character.COLLUSION})
"""Characters to whom it matters whose an answer is."""


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
    log_discrimination_sd: float = 0.0
    """A query's discrimination, by which its differences of quality are multiplied, is log-normal (0, this)."""
    dead_rate: float = 0.0
    """A query's discrimination is 0."""
    mislabelled_rate: float = 0.0
    """A query's discrimination has its sign turned: it prefers the weaker answer."""

    RATES: ClassVar[tuple[str, ...]] = (
        "tie_rate",
        "tie_flip_rate",
        "unreadable_rate",
        "judge_refusal_rate",
        "answer_refusal_rate",
        "failure_rate",
        "hostile_rate",
        "dead_rate",
        "mislabelled_rate",
    )

    def __post_init__(self) -> None:
        """Refuse what is no probability, no duration, or half a conspiracy.

        Raises:
            ValueError: says which field and why.
        """
        for name in self.RATES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: a probability lies between 0 and 1")
        for name in ("delay_seconds", "first_seat_sd", "log_discrimination_sd"):
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
            shown = (
                None
                if call.purpose is Purpose.ANSWER
                else reading.read(call.prompt, held_to_schema=call.held_to_schema)
            )
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
        first, second = identity_of(shown.first), identity_of(shown.second)
        seat_key = (self.seed, "judge", call.model, query, first, second)
        delay = self._delay(*seat_key)
        if happens(self.failure_rate, "failure", *seat_key):
            return _failed(delay)
        cell_key = (self.seed, "judge", call.model, query, min(first, second), max(first, second))
        if happens(self.judge_refusal_rate, "refusal", *cell_key):
            return Completed("I would rather not judge these answers.", delay_seconds=delay)
        if self.character(call.model) is Character.UNREADABLE or happens(self.unreadable_rate, "unreadable", *seat_key):
            return Completed(unreadable_text(*seat_key), delay_seconds=delay)
        verdict = self.verdict(call.model, query, shown.first, shown.second)
        much = shown.graded and self._is_clear(call.model, query, shown)
        return Completed(reading.spoken(verdict, shown, much=much), delay_seconds=delay)

    def verdict(self, judge: str, query: str, first: str, second: str) -> Seat:
        """What a judge says of two answers in this seat order; the orders of a cell are drawn apart."""
        texts = identity_of(first), identity_of(second)
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

    def _is_clear(self, judge: str, query: str, shown: JudgingPrompt) -> bool:
        return abs(self.first_seat_chance(judge, query, shown.first, shown.second) - 0.5) > MUCH_BETTER - 0.5

    def first_seat_chance(self, judge: str, query: str, first: str, second: str) -> float:
        """Probability that a verdict which is no tie goes to the answer in the first seat."""
        quality = self._quality_beside(query, first, second) - self._quality_beside(query, second, first)
        if not (is_truncation(first, second) or is_truncation(second, first)):
            quality *= self.discrimination(query)
        log_odds = sharpness(self.seed, judge) * quality + self.first_seat_bias(judge)
        character = self.character(judge)
        favour = 0
        if character in PARTIAL:
            favour = self._favours(judge, first, second) - self._favours(judge, second, first)
        return first_seat_chance(character, log_odds, favour)

    def discrimination(self, query: str) -> float:
        """How much of a difference between two models' answers shows on a query; that of a truncation always shows."""
        if happens(self.dead_rate, self.seed, "dead", query):
            return 0.0
        sign = -1 if happens(self.mislabelled_rate, self.seed, "mislabelled", query) else 1
        if not self.log_discrimination_sd:
            return float(sign)
        return sign * math.exp(self.log_discrimination_sd * normal(self.seed, "discrimination", query))

    def first_seat_bias(self, judge: str) -> float:
        """A judge's log-odds for the first seat, whatever sits there."""
        return self.first_seat_mean + self.first_seat_sd * normal(self.seed, "first seat", judge)

    def quality(self, query: str, text: str) -> float:
        """How good an answer is: the author's skill and the query's effect.

        A text by itself: beside its own whole, a truncation is worth `TRUNCATION_COST` less than that.
        A text that no model of this world wrote, say of a real model that plays along, has a quality drawn
        from the same population by hash of the text: judges agree on it, and no tie is made up.
        """
        author = author_of(self.seed, text)
        if author is None:
            return math.hypot(1, QUERY_EFFECT_SD) * normal(self.seed, "stranger", query, identity_of(text))
        cost = REFUSAL_COST if self._declines(author) else 0.0
        return skill(self.seed, author.model) + query_effect(self.seed, author.model, author.query) - cost

    def _quality_beside(self, query: str, text: str, other: str) -> float:
        if is_truncation(text, other):
            return self.quality(query, other) - TRUNCATION_COST
        return self.quality(query, text)

    def character(self, judge: str) -> Character:
        """How a judge judges: as set by hand, else hostile at the world's rate."""
        if judge in self.characters:
            return self.characters[judge]
        return self.hostile if happens(self.hostile_rate, self.seed, "hostile", judge) else Character.HONEST

    def _favours(self, judge: str, text: str, other: str) -> bool:
        author = author_of(self.seed, other if is_truncation(text, other) else text)
        return author is not None and self.favours(judge, author.model)

    def favours(self, judge: str, model: str) -> bool:
        """Whether a judge is partial to this model's answers."""
        match self.character(judge):
            case Character.COLLUSION:
                return model == self.favourite
            case Character.FAMILY:
                return family_of(self.seed, model) == family_of(self.seed, judge)
            case _:
                return False

    def _declines(self, author: Authored) -> bool:
        return happens(self.answer_refusal_rate, "declines", self.seed, author.model, author.query)

    def _delay(self, *key: str | int) -> float:
        return self.delay_seconds * (0.5 + uniform("delay", *key))


def first_seat_chance(character: Character, log_odds: float, favour: int) -> float:
    """Probability that a verdict which is no tie goes to the first seat.

    Args:
        character: of the judge.
        log_odds: that it would see as an honest one.
        favour: 1 when it is partial to what sits first, -1 to what sits second, 0 to neither or to both.
    """
    match character:
        case Character.HONEST | Character.UNREADABLE:
            return float(expit(log_odds))
        case Character.INVERTED:
            return float(expit(-log_odds))
        case Character.FIRST:
            return 1.0
        case Character.FAMILY | Character.COLLUSION:
            return float(expit(log_odds + PARTIALITY * favour))


def identity_of(text: str) -> str:
    """A shown answer's hash; the way through prompts may cost a text its outer white space."""
    return text_hash(text.strip())


def is_truncation(text: str, other: str) -> bool:
    """Whether a text is what a canary makes of the other: such a judge sees both, and knows whose the cut one is."""
    cut = text.strip()
    return cut == truncated(other) and cut != other.strip()


def _failed(delay: float) -> Refused:
    return Refused(500, "server_error", "the planted model fails at this call", delay_seconds=delay)
