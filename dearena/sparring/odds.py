"""What planted judges say, without asking them: the verdicts of a sparring server, to the last one, in microseconds.

`PlantedWorld` draws a verdict from what its judge is shown. Here the same lots are drawn from what an arena
knows: who judges, which query, whose answers. For the two to agree, name things as the server hears them:

- A model, be it judge or author, by its upstream id (`Endpoint.upstream_model`), without its revision. A local
  arena registers models under a slug and an upstream id; the id counts.
- A query by its id in the pool. The gateway tells it to sparring endpoints in the body's member `dearena`, with
  answers and judge calls alike; neither the dimension nor the query's hash plays a part. An endpoint that is not
  marked as sparring is told nothing, and the server then goes by the words asked, which this module does not.
- A question by the turns asked. They are quoted in the answers, and lots hang on the texts of answers.

Attempts do not count: a call that fails does so again. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dearena.canaries import can_be_truncated, truncated
from dearena.judging.conversations import answer_text
from dearena.outcomes import SeatVerdict
from dearena.sparring.answer_code import author_of
from dearena.sparring.calls import Call, Completed, Purpose
from dearena.sparring.chance import Lots, part
from dearena.sparring.planted import (
    PARTIAL,
    TRUNCATION_COST,
    Character,
    PlantedWorld,
    first_seat_chance,
    identity_of,
    sharpness,
)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An answer as judges see it."""

    text: str
    identity: bytes
    """Part of the keys of lots."""
    query: str
    quality: float
    author: str | None
    """Upstream id; None for a text that is nobody's."""
    whole: "Shown | None" = None
    """What this is the truncation of."""


@dataclass(frozen=True, slots=True)
class _Judge:
    character: Character
    sharpness: float
    bias: float


class Odds:
    """The verdicts of a planted world's judges.

    What they need is worked out once, and kept for as long as this lives.

    Args:
        world: as the server has it. Its delays do not matter.
    """

    def __init__(self, world: PlantedWorld) -> None:
        self.world = world
        self._is_plain = not any((world.failure_rate, world.judge_refusal_rate, world.unreadable_rate, world.tie_rate))
        self._answers: dict[tuple[str, str, tuple[str, ...]], Shown | None] = {}
        self._truncations: dict[Shown, Shown] = {}
        self._judges: dict[str, _Judge] = {}
        self._favours: dict[tuple[str, str], bool] = {}
        self._lots: dict[tuple[str, str, str], Lots] = {}
        self._is_even = not any((world.log_discrimination_sd, world.dead_rate, world.mislabelled_rate))
        self._discriminations: dict[str, float] = {}

    def answer(self, model: str, query: str, turns: Sequence[str]) -> Shown | None:
        """A model's answer as the arena keeps it; None where the call fails, so that there is none.

        Args:
            model: upstream id.
            query: id.
            turns: of the question, at least one.
        """
        key = (model, query, tuple(turns))
        if key not in self._answers:
            self._answers[key] = self._answered(model, query, turns)
        return self._answers[key]

    def _answered(self, model: str, query: str, turns: Sequence[str]) -> Shown | None:
        replies: list[str] = []
        for asked in range(1, len(turns) + 1):
            reply = self.world.reply(Call(model, tuple(turns[:asked]), query, Purpose.ANSWER))
            if not isinstance(reply, Completed):
                return None
            replies.append(reply.text)
        return self.text(query, answer_text(tuple(replies)))

    def text(self, query: str, text: str) -> Shown:
        """Any text as an answer to a query; not kept."""
        author = author_of(self.world.seed, text)
        return Shown(
            text, part(identity_of(text)), query, self.world.quality(query, text), author.model if author else None
        )

    def truncation(self, whole: Shown) -> Shown | None:
        """What a canary shows beside an answer; None when the answer is too short for one."""
        if not can_be_truncated(whole.text):
            return None
        known = self._truncations.get(whole)
        if known is None:
            text = truncated(whole.text)
            known = self._truncations[whole] = Shown(
                text, part(identity_of(text)), whole.query, whole.quality - TRUNCATION_COST, whole.author, whole
            )
        return known

    def seat(self, judge: str, first: Shown, second: Shown) -> SeatVerdict:
        """What a judge says of two answers to one query in this seat order.

        Args:
            judge: upstream id.
            first: in the first seat. A truncation can only meet its own whole.
            second: in the second seat.

        Returns:
            NONE when the call fails, else the verdict as a judge dispatcher reads it.
        """
        world, query = self.world, first.query
        knows = self._judges.get(judge) or self._meet(judge)
        seats = first.identity + second.identity
        if not self._is_plain:
            cell = seats if first.identity <= second.identity else second.identity + first.identity
            if self._drawn("failure", judge, query, seats) < world.failure_rate:
                return SeatVerdict.NONE
            if self._drawn("refusal", judge, query, cell) < world.judge_refusal_rate:
                return SeatVerdict.UNREADABLE
            if self._drawn("unreadable", judge, query, seats) < world.unreadable_rate:
                return SeatVerdict.UNREADABLE
            if (
                knows.character is not Character.UNREADABLE
                and knows.character is not Character.FIRST
                and self._drawn("tie", judge, query, cell) < world.tie_rate
                and self._drawn("untie", judge, query, seats) >= world.tie_flip_rate
            ):
                return SeatVerdict.TIE
        if knows.character is Character.UNREADABLE:
            return SeatVerdict.UNREADABLE
        favour = 0
        if knows.character in PARTIAL:
            favour = self._is_partial_to(judge, first) - self._is_partial_to(judge, second)
        difference = first.quality - second.quality
        if not self._is_even and first.whole is None and second.whole is None:
            if query not in self._discriminations:
                self._discriminations[query] = world.discrimination(query)
            difference *= self._discriminations[query]
        log_odds = knows.sharpness * difference + knows.bias
        chance = first_seat_chance(knows.character, log_odds, favour)
        return SeatVerdict.FIRST if self._drawn("verdict", judge, query, seats) < chance else SeatVerdict.SECOND

    def _meet(self, judge: str) -> _Judge:
        world = self.world
        knows = _Judge(world.character(judge), sharpness(world.seed, judge), world.first_seat_bias(judge))
        self._judges[judge] = knows
        return knows

    def _drawn(self, what: str, judge: str, query: str, rest: bytes) -> float:
        lots = self._lots.get((what, judge, query))
        if lots is None:
            # As the world has it: what befalls a call says that the call is one of judging, a verdict does not.
            call = ("judge",) if what in _OF_CALLS else ()
            lots = self._lots[what, judge, query] = Lots(what, self.world.seed, *call, judge, query)
        return lots.uniform(rest)

    def _is_partial_to(self, judge: str, shown: Shown) -> bool:
        if shown.author is None:
            return False
        key = (judge, shown.author)
        if key not in self._favours:
            self._favours[key] = self.world.favours(*key)
        return self._favours[key]


_OF_CALLS = frozenset({"failure", "refusal", "unreadable"})
