"""A world that repeats what real models said: their answers, and their votes on one another's answers.

A judge is shown texts, not names. Each text is found by its hash among the recorded answers to the query,
and the judge's recorded vote on those two models is told from the seats they are shown in; so both seat
orders agree. Recorded answers are repeated whole, whatever `max_tokens` says. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dearena.identity import Digest, text_hash
from dearena.sparring import reading
from dearena.sparring.calls import Call, Completed, Purpose, Refused, Reply, bad_request, no_record
from dearena.sparring.reading import Seat


class Winner(StrEnum):
    """A recorded vote's verdict."""

    A = "a"
    B = "b"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What a model really answered."""

    model: str
    query_id: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordedVote:
    """What a judge really preferred."""

    query_id: str
    judge: str
    model_a: str
    model_b: str
    winner: Winner


class RecordedWorld:
    """Answers and votes, looked up by what a call tells."""

    def __init__(self, answers: Iterable[RecordedAnswer], votes: Iterable[RecordedVote]) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        self._authors: dict[tuple[str, Digest], list[str]] = defaultdict(list)
        self._better: dict[tuple[str, str, str, str], str | None] = {}
        for answer in answers:
            self._texts[answer.model, answer.query_id] = answer.text
            self._authors[answer.query_id, _identity(answer.text)].append(answer.model)
        for vote in votes:
            pair = sorted((vote.model_a, vote.model_b))
            better = {Winner.A: vote.model_a, Winner.B: vote.model_b, Winner.TIE: None}[vote.winner]
            self._better[vote.query_id, vote.judge, pair[0], pair[1]] = better
        self._models = sorted({model for model, _ in self._texts} | {judge for _, judge, _, _ in self._better})

    def models(self) -> Sequence[str]:
        """Display names of all models that answered or judged, which are their upstream ids."""
        return self._models

    def reply(self, call: Call) -> Reply:
        """Repeat the model's answer to the query, or its vote on the answers shown."""
        if call.model not in self._models:
            return Refused(404, "model_not_found", f"nothing is recorded of a model named {call.model!r}")
        if not call.told_query or call.purpose is None:
            return bad_request(
                "not_told",
                "a recorded model must be told query_id and purpose: register its endpoint as a sparring one",
            )
        return self._judge(call) if call.purpose is Purpose.JUDGE else self._answer(call)

    def _answer(self, call: Call) -> Reply:
        text = self._texts.get((call.model, call.told_query))
        if text is None:
            return no_record(f"{call.model} has no recorded answer to {call.told_query}")
        return Completed(text)

    def _judge(self, call: Call) -> Reply:
        try:
            shown = reading.read(call.prompt, held_to_schema=call.held_to_schema)
        except reading.UnreadablePrompt as error:
            return bad_request("unreadable_prompt", str(error))
        authors = []
        for seat, text in ((1, shown.first), (2, shown.second)):
            found = self._authors.get((call.told_query, _identity(text)))
            if not found:
                return no_record(f"answer {seat} is none of the recorded answers to {call.told_query}")
            authors.append(found)
        verdict = self._verdict(call, *authors)
        if verdict is None:
            return no_record(f"{call.model} has no recorded vote on these answers to {call.told_query}")
        return Completed(reading.spoken(verdict, shown))

    def _verdict(self, call: Call, first: Sequence[str], second: Sequence[str]) -> Seat | None:
        """The judge's vote on any two models who gave these answers.

        Several models may have given the same answer; the pair is then chosen in an order that does not
        depend on the seats. Of two equal texts only a tie can be told: a winner would have no seat.
        """
        pairs = sorted({(min(one, other), max(one, other)) for one in first for other in second if one != other})
        same_text = set(first) == set(second)
        for pair in pairs:
            key = (call.told_query, call.model, *pair)
            if key not in self._better:
                continue
            better = self._better[key]
            if better is None:
                return Seat.TIE
            if not same_text:
                return Seat.FIRST if better in first else Seat.SECOND
        return None


def _identity(text: str) -> Digest:
    """An answer's hash; the way through prompts may cost a text its outer white space."""
    return text_hash(text.strip())
