"""A world of endpoints that misbehave, one fault each, for tests of whoever calls them.

The upstream model id names the fault: `html`, or `judge-html` where only judging is hit, `answer-html` where
only answering is; what follows a colon (`html:mine`) tells models of one fault apart. Where no fault
strikes, the model is an honest one of a planted world. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dearena.sparring.calls import Call, Completed, Garbage, Purpose, Refused, Reply, Silence
from dearena.sparring.planted import PlantedWorld

Fault = Callable[[Call, Callable[[], Reply]], Reply]
"""Given the call and the honest reply, what comes instead."""


def _html(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """A proxy's page with status 200."""
    return Garbage("<!doctype html><html><body><h1>It works!</h1></body></html>", "text/html")


def _broken_json(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """JSON that breaks off."""
    return Garbage('{"choices": [{"message": {"content": "The', "application/json")


def _no_choices(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """Sound JSON that is not a completion."""
    return Garbage('{"object": "chat.completion", "choices": []}', "application/json")


def _empty(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """An answer without a word."""
    return Completed("")


def _cut_off(_call: Call, honest: Callable[[], Reply]) -> Reply:
    """Half of the honest reply, ended by the token limit."""
    match honest():
        case Completed() as completed:
            return replace(completed, text=completed.text[: len(completed.text) // 2], finish_reason="length")
        case other:
            return other


def _filtered(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """Half a sentence, ended by a filter."""
    return Completed("I would say that", finish_reason="content_filter")


def _thinking(_call: Call, honest: Callable[[], Reply]) -> Reply:
    """The honest reply behind thoughts that look like a verdict."""
    match honest():
        case Completed() as completed:
            return replace(completed, text=f"<think>VERDICT: 1, or is it 2?</think>\n{completed.text}")
        case other:
            return other


def _thinking_only(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """Thoughts, and no word after them."""
    return Completed("<think>This is a hard one.</think>")


def _other_model(_call: Call, honest: Callable[[], Reply]) -> Reply:
    """The honest reply, by the word of another model: a router's fallback."""
    match honest():
        case Completed() as completed:
            return replace(completed, model="fallback-mini")
        case other:
            return other


def _redirecting(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """To where a cloud keeps its credentials."""
    return Refused(307, "moved", "this endpoint is elsewhere", {"Location": "http://169.254.169.254/latest/meta-data"})


def _unreadable(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    """A reply without a verdict line."""
    return Completed("Both answers have their merits. Which one is better I leave to the reader.")


def _surrogate(_call: Call, honest: Callable[[], Reply]) -> Reply:
    """The honest reply behind half a character, which JSON can carry and UTF-8 cannot."""
    match honest():
        case Completed() as completed:
            return replace(completed, text="\ud83d " + completed.text)
        case other:
            return other


def _error(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    return Refused(500, "server_error", "this endpoint always fails")


def _flaky(call: Call, honest: Callable[[], Reply]) -> Reply:
    """Fails the first request of a request id, and serves the next."""
    if call.repeats:
        return honest()
    return Refused(503, "overloaded", "try again at once", {"Retry-After": "0"})


def _busy(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    return Refused(429, "rate_limit_exceeded", "this endpoint is always busy", {"Retry-After": "0"})


def _refusing(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    return Refused(400, "invalid_request_error", "this endpoint refuses every request")


def _hang(_call: Call, _honest: Callable[[], Reply]) -> Reply:
    return Silence()


FAULTS: dict[str, Fault] = {
    "html": _html,
    "broken-json": _broken_json,
    "no-choices": _no_choices,
    "empty": _empty,
    "cut-off": _cut_off,
    "filtered": _filtered,
    "thinking": _thinking,
    "thinking-only": _thinking_only,
    "other-model": _other_model,
    "redirecting": _redirecting,
    "unreadable": _unreadable,
    "surrogate": _surrogate,
    "error": _error,
    "flaky": _flaky,
    "busy": _busy,
    "refusing": _refusing,
    "hang": _hang,
}
LOCKED = "locked"
"""Honest to callers with the world's key, and 401 to all others."""


@dataclass(frozen=True, kw_only=True)
class FaultyWorld:
    """Endpoints by fault, over a planted world without faults of its own."""

    key: str = "sparring-key"
    """Opens `locked`. It guards nothing: it is there to be sent, or not."""
    seed: int = 0
    honest: PlantedWorld = field(init=False)

    def __post_init__(self) -> None:
        """Plant the honest half."""
        object.__setattr__(self, "honest", PlantedWorld(seed=self.seed))

    def models(self) -> Sequence[str]:
        """The faults; each also with `answer-` or `judge-` in front."""
        return (*FAULTS, LOCKED)

    def reply(self, call: Call) -> Reply:
        """The fault that the model id names, if it strikes at this purpose, else an honest reply."""
        name, _, _ = call.model.partition(":")
        purpose, dash, rest = name.partition("-")
        if dash and purpose in set(Purpose):
            if call.purpose != purpose:
                return self.honest.reply(call)
            name = rest
        if name == LOCKED:
            if call.bearer == self.key:
                return self.honest.reply(call)
            return Refused(401, "invalid_api_key", "the key is missing or wrong")
        if fault := FAULTS.get(name):
            return fault(call, lambda: self.honest.reply(call))
        known = ", ".join(self.models())
        return Refused(404, "model_not_found", f"{call.model!r} names no fault; there are {known}")
