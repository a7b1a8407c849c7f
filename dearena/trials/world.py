"""Worlds to try an arena in: who is there, what is asked, and what a judge says. Pure.

`Planted` is the world that a sparring server serves, without the server: the same constants, the same lots by
hash of the seed and of what a lot is about. A model's upstream id is its slug, a question's words are those that
its answers quote; with these alike, an arena of real services and one in memory hear the same verdicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, Self

from scipy.special import expit

from dearena.identity import text_hash
from dearena.local.questions import algebra
from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import SeatPolicy
from dearena.scoring import seats as said
from dearena.sparring.answer_code import Authored
from dearena.sparring.chance import uniform
from dearena.sparring.planted import (
    PARTIALITY,
    Character,
    PlantedWorld,
    family_of,
    query_effect,
    sharpness,
    skill,
)
from dearena.sparring.planted_text import answer_text

_NO_SEATS: Final = (said.UNSAID, said.UNSAID)


class Heard(NamedTuple):
    """What came of one cell.

    Attributes:
        seats: codes of `dearena.scoring.seats`: what the judge said with A first, and with B first.
        judge_calls: that it took.
    """

    outcome: Outcome
    seats: tuple[int, int] = _NO_SEATS
    judge_calls: int = 2


class World(Protocol):
    """Whom an arena in memory ranks, and by whose verdicts.

    Attributes:
        models: revisions, in canonical order.
        queries: ids, in order.
        truth: what a ranking should come out as, by model, larger is better; None where nobody knows.
    """

    @property
    def models(self) -> Sequence[str]: ...  # noqa: D102 - told above

    @property
    def queries(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def truth(self) -> Mapping[str, float] | None: ...  # noqa: D102

    def judge(self, pair: Pair, judge: str, query_id: str, seats: SeatPolicy = SeatPolicy.BOTH) -> Heard:
        """What the judge says of the two models' answers to the query: the same whenever it is asked."""
        ...


@dataclass(frozen=True, slots=True)
class Hostility:
    """Judges that do not judge what they see.

    Attributes:
        character: of those that are hostile.
        rate: probability that a judge is.
    """

    character: Character
    rate: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `kind:rate`, for example `inverted:0.2`; raises ValueError, which says what is wrong."""
        kind, _, rate = text.partition(":")
        kinds = [one.value for one in Character if one is not Character.HONEST]
        if kind not in kinds:
            raise ValueError(f"{kind!r} is none of {', '.join(kinds)}")
        try:
            share = float(rate)
        except ValueError:
            raise ValueError(f"{text!r} is not of the form kind:rate, for example inverted:0.2") from None
        if not 0 <= share <= 1:
            raise ValueError(f"{rate} is no probability: it lies between 0 and 1")
        return cls(Character(kind), share)


HONEST: Final = Hostility(Character.HONEST, 0.0)


def slugs(models: int) -> tuple[str, ...]:
    """`model-000`, `model-001` …: the upstream ids of a planted world's models."""
    return tuple(f"model-{number:03}" for number in range(models))


class Planted:
    """A planted world that answers cell by cell, each from its own lot.

    Args:
        seed: of the world.
        models: slugs; without a world's usual faults: no ties, no failures, no first-seat effect.
        questions: words by query id, as the models of a sparring server are asked them.
        hostility: of its judges; colluding ones favour the first model.
    """

    def __init__(
        self, seed: int, models: Sequence[str], questions: Mapping[str, str], hostility: Hostility = HONEST
    ) -> None:
        self.seed = seed
        self.slugs = tuple(sorted(models))
        self.models = tuple(f"{slug}@1" for slug in self.slugs)
        self.queries = tuple(questions)
        self.planted = PlantedWorld(
            seed=seed, hostile_rate=hostility.rate, hostile=hostility.character, favourite=self.slugs[0]
        )
        self.truth: Mapping[str, float] = {f"{slug}@1": skill(seed, slug) for slug in self.slugs}
        self._questions = dict(questions)
        self._slug = dict(zip(self.models, self.slugs, strict=True))
        self._judges: dict[str, PlantedJudge] = {}
        self._answers: dict[tuple[str, str], PlantedAnswer] = {}

    @classmethod
    def economy(cls, seed: int, models: int, queries: int, hostility: Hostility = HONEST) -> Self:
        """So many models, asked so many of the algebra questions that come with the package."""
        questions = {question["id"]: question["text"] for question in algebra(queries)}
        return cls(seed, slugs(models), questions, hostility)

    def judge(self, pair: Pair, judge: str, query_id: str, seats: SeatPolicy = SeatPolicy.BOTH) -> Heard:
        """What the judge says: each seat order has its own lot, as at a sparring server.

        With single seats the outcome is that of the order with A first.
        """
        answer_a, answer_b = self.answer_of(pair.model_a, query_id), self.answer_of(pair.model_b, query_id)
        knows = self.judge_of(judge)
        with_a_first = self._verdict(knows, query_id, answer_a, answer_b)
        if seats is SeatPolicy.SINGLE:
            return Heard(Outcome.A if with_a_first == said.FIRST else Outcome.B, (with_a_first, said.UNSAID), 1)
        with_b_first = self._verdict(knows, query_id, answer_b, answer_a)
        if with_a_first == with_b_first:
            return Heard(Outcome.FLIP, (with_a_first, with_b_first))
        return Heard(Outcome.A if with_a_first == said.FIRST else Outcome.B, (with_a_first, with_b_first))

    def _verdict(self, judge: "PlantedJudge", query_id: str, first: "PlantedAnswer", second: "PlantedAnswer") -> int:
        chance = judge.first_seat_chance(first, second)
        lot = uniform("verdict", self.seed, judge.slug, query_id, first.identity, second.identity)
        return said.FIRST if lot < chance else said.SECOND

    def judge_of(self, model: str) -> "PlantedJudge":
        """What the verdicts of this model depend on."""
        known = self._judges.get(model)
        if known is None:
            slug = self._slug[model]
            known = self._judges[model] = PlantedJudge(
                slug, sharpness(self.seed, slug), self.planted.character(slug), family_of(self.seed, slug)
            )
        return known

    def answer_of(self, model: str, query_id: str) -> "PlantedAnswer":
        """What verdicts on this answer depend on."""
        known = self._answers.get((model, query_id))
        if known is None:
            slug = self._slug[model]
            text = answer_text(self.seed, Authored(slug, query_id), self._questions[query_id])
            known = self._answers[model, query_id] = PlantedAnswer(
                identity=text_hash(text.strip()),
                quality=skill(self.seed, slug) + query_effect(self.seed, slug, query_id),
                family=family_of(self.seed, slug),
                is_favourite=slug == self.planted.favourite,
            )
        return known


@dataclass(frozen=True, slots=True)
class PlantedAnswer:
    """What verdicts on an answer depend on."""

    identity: str
    quality: float
    family: str
    is_favourite: bool


@dataclass(frozen=True, slots=True)
class PlantedJudge:
    """What a judge's verdicts depend on."""

    slug: str
    sharpness: float
    character: Character
    family: str

    def first_seat_chance(self, first: PlantedAnswer, second: PlantedAnswer) -> float:
        """As `PlantedWorld.first_seat_chance`, from what is at hand."""
        log_odds = self.sharpness * (first.quality - second.quality)
        match self.character:
            case Character.HONEST:
                return float(expit(log_odds))
            case Character.INVERTED:
                return float(expit(-log_odds))
            case Character.FIRST:
                return 1.0
            case Character.FAMILY:
                favour = (first.family == self.family) - (second.family == self.family)
            case Character.COLLUSION:
                favour = first.is_favourite - second.is_favourite
        return float(expit(log_odds + PARTIALITY * favour))
