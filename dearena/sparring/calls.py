"""What a sparring model is asked, and what it may reply: the vocabulary between worlds and server. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from dearena.identity import text_hash


class Purpose(StrEnum):
    """What the arena wants of a call."""

    ANSWER = "answer"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Call:
    """One chat completion asked of a model."""

    model: str
    """The upstream model id."""
    user_messages: tuple[str, ...]
    """Texts of the user's messages, at least one."""
    told_query: str = ""
    """The query's id; empty when the caller did not tell."""
    purpose: Purpose | None = None
    """None when the caller did not tell."""
    bearer: str = ""
    """The key in the Authorization header."""
    repeats: int = 0
    """How often the same request id was received before; 0 without a request id."""
    held_to_schema: bool = False
    """The caller takes nothing but JSON of a schema."""

    @property
    def prompt(self) -> str:
        """The last thing the user said."""
        return self.user_messages[-1]

    @property
    def query(self) -> str:
        """What identifies the query: the id told, else the words."""
        return self.told_query or "text:" + text_hash("\n".join(self.user_messages))


@dataclass(frozen=True, slots=True)
class Completed:
    """The model says something."""

    text: str
    finish_reason: str = "stop"
    delay_seconds: float = 0.0
    model: str = ""
    """Who says it, where that is not the model that was asked."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The endpoint replies with an error of the OpenAI form."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Garbage:
    """The endpoint replies with something that is not a chat completion."""

    body: str
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Silence:
    """The endpoint accepts the call and never replies."""


Reply = Completed | Refused | Garbage | Silence


class World(Protocol):
    """A set of models that share what they know. A reply depends on the call alone."""

    def models(self) -> Sequence[str]:
        """Upstream model ids that can be listed; empty when any id is a model."""
        ...

    def reply(self, call: Call) -> Reply:
        """What the model does when called."""
        ...


NO_RECORD = "no_record"
"""Error code of a recorded model that has nothing recorded for the call."""


def no_record(message: str) -> Refused:
    """Nothing is recorded for this call: nobody's fault, and never worth a retry."""
    return Refused(404, NO_RECORD, message)


def bad_request(code: str, message: str) -> Refused:
    """The caller asked for something that makes no sense here."""
    return Refused(400, code, message)
