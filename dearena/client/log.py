"""Decisions as the rules of ranking read them, out of the messages in which they travel. Pure."""

from typing import Any

from google.protobuf.json_format import MessageToDict

from dearena.ranking.decisions import Decision, DecisionKind
from dearena.v1 import ranker_pb2

_PREFIX = "DECISION_KIND_"


class UnknownKind(ValueError):
    """The log holds a decision that this version cannot read."""


def decision_of(message: ranker_pb2.Decision) -> Decision:
    """One entry of the log; raises UnknownKind."""
    try:
        kind = DecisionKind(ranker_pb2.DecisionKind.Name(message.kind).removeprefix(_PREFIX))
    except ValueError as error:
        raise UnknownKind(f"decision {message.number} is of kind {message.kind}, which is not known here") from error
    content: dict[str, Any] = _whole(MessageToDict(message.content))
    return Decision(message.number, kind, message.model, message.round, content)


def _whole(value: Any) -> Any:
    """The value with its whole numbers as such: on the wire every number is a float."""
    match value:
        case dict():
            return {name: _whole(one) for name, one in value.items()}
        case list():
            return [_whole(one) for one in value]
        case float() if value.is_integer():
            return int(value)
    return value
