"""Worlds to try an arena in: who is there, what is asked, and what a judge says. Pure.

`Planted` is the world that a sparring server serves, without the server: the same constants, the same lots by
hash of the seed and of what a lot is about. A model's upstream id is its slug, a question's words are those that
its answers quote; with these alike, an arena of real services and one in memory hear the same verdicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, Self

from dearena.faults import InvalidField
from dearena.identity import text_hash
from dearena.local.questions import algebra
from dearena.outcomes import Outcome, SeatVerdict, outcome_of
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import SeatPolicy
from dearena.scoring import seats as said
from dearena.seat_order import a_sits_first
from dearena.sparring.odds import Odds, Shown
from dearena.sparring.planted import Character, PlantedWorld, skill

_NO_SEATS: Final = (said.UNSAID, said.UNSAID)
_SEATS: Final = {
    SeatVerdict.FIRST: said.FIRST,
    SeatVerdict.SECOND: said.SECOND,
    SeatVerdict.TIE: said.TIE,
    SeatVerdict.UNREADABLE: said.UNSAID,
    None: said.UNSAID,
}


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

    def judge_canary(
        self, model: str, judge: str, query_id: str, *, truncated: bool, seats: SeatPolicy = SeatPolicy.BOTH
    ) -> Heard:
        """What the judge says of a model's answer, as A, beside its own truncation, or beside itself."""
        ...

    def askable(self, pair: Pair, judge: str, query_id: str) -> bool:
        """Whether there is anything to be heard of this cell."""
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
        """Read `kind:rate`, for example `inverted:0.2`; raises InvalidField, which says what is wrong."""
        kind, _, rate = text.partition(":")
        kinds = [one.value for one in Character if one is not Character.HONEST]
        if kind not in kinds:
            raise InvalidField.of("hostile", f"{kind!r} is none of {', '.join(kinds)}")
        try:
            share = float(rate)
        except ValueError:
            raise InvalidField.of("hostile", f"{text!r} is not of the form kind:rate, as inverted:0.2") from None
        if not 0 <= share <= 1:
            raise InvalidField.of("hostile", f"{rate} is no probability: it lies between 0 and 1")
        return cls(Character(kind), share)


HONEST: Final = Hostility(Character.HONEST, 0.0)
NO_CHARACTERS: Final[Mapping[str, Character]] = MappingProxyType({})


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
        characters: of single judges, by slug; the others are hostile at their rate.
    """

    def __init__(
        self,
        seed: int,
        models: Sequence[str],
        questions: Mapping[str, str],
        hostility: Hostility = HONEST,
        characters: Mapping[str, Character] = NO_CHARACTERS,
    ) -> None:
        self.seed = seed
        self.slugs = tuple(sorted(models))
        self.models = tuple(f"{slug}@1" for slug in self.slugs)
        self.queries = tuple(questions)
        self.planted = PlantedWorld(
            seed=seed,
            hostile_rate=hostility.rate,
            hostile=hostility.character,
            characters=characters,
            favourite=self.slugs[0],
        )
        self.truth: Mapping[str, float] = {f"{slug}@1": skill(seed, slug) for slug in self.slugs}
        self._slug = dict(zip(self.models, self.slugs, strict=True))
        self._odds = Odds(self.planted)
        self._questions = dict(questions)
        self._answers: dict[tuple[str, str], Shown] = {}

    @classmethod
    def economy(
        cls,
        seed: int,
        models: int,
        queries: int,
        hostility: Hostility = HONEST,
        characters: Mapping[str, Character] = NO_CHARACTERS,
    ) -> Self:
        """So many models, asked so many of the algebra questions that come with the package."""
        questions = {question["id"]: question["text"] for question in algebra(queries)}
        return cls(seed, slugs(models), questions, hostility, characters)

    def askable(self, pair: Pair, judge: str, query_id: str) -> bool:
        """Planted judges can be asked about anything."""
        return True

    def judge(self, pair: Pair, judge: str, query_id: str, seats: SeatPolicy = SeatPolicy.BOTH) -> Heard:
        """What the judge says: each seat order has its own lot, as at a sparring server.

        With single seats a hash of the cell's names draws the order, where services draw it by the cell's id.
        """
        return self._heard(
            self._slug[judge],
            self._answer(pair.model_a, query_id),
            self._answer(pair.model_b, query_id),
            seats,
            (*pair, judge, query_id),
        )

    def judge_canary(
        self, model: str, judge: str, query_id: str, *, truncated: bool, seats: SeatPolicy = SeatPolicy.BOTH
    ) -> Heard:
        """What the judge says of an answer beside its own truncation, or beside itself."""
        whole = self._answer(model, query_id)
        other = self._odds.truncation(whole) if truncated else whole
        if other is None:
            # Nobody is asked about an answer that is too short to be cut.
            return Heard(Outcome.VOID, judge_calls=0)
        return self._heard(self._slug[judge], whole, other, seats, (model, str(truncated), judge, query_id))

    def _heard(self, judge: str, a: Shown, b: Shown, seats: SeatPolicy, names: Sequence[str]) -> Heard:
        a_first = b_first = None
        if seats is SeatPolicy.BOTH or a_sits_first(text_hash(" ".join(names))):
            a_first = self._odds.seat(judge, a, b)
        if seats is SeatPolicy.BOTH or a_first is None:
            b_first = self._odds.seat(judge, b, a)
        calls = 2 if seats is SeatPolicy.BOTH else 1
        return Heard(outcome_of(a_first, b_first), (_SEATS[a_first], _SEATS[b_first]), calls)

    def _answer(self, model: str, query_id: str) -> Shown:
        known = self._answers.get((model, query_id))
        if known is None:
            answer = self._odds.answer(self._slug[model], query_id, (self._questions[query_id],))
            if answer is None:
                raise RuntimeError(f"{model} gives no answer to {query_id}, though nothing fails in this world")
            known = self._answers[model, query_id] = answer
        return known
