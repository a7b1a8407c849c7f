"""Messages of the contract as plain data, for whoever writes JSON: `--json` and the dashboard.

Fields keep their names. Unlike protobuf's own JSON, 64-bit numbers stay numbers, enums lose their prefix,
and what is not a number is null, so that the output is JSON to every reader.
"""

import math
import re
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

LARGEST_WHOLE: Final = 2**53
"""Up to here a float tells whole numbers apart."""


def plain(message: Message) -> Any:
    """A message as dicts, lists, strings, numbers, booleans and None.

    A time is an ISO string in UTC, a duration seconds, an absent message None.
    """
    match message:
        case Timestamp():
            return message.ToJsonString()
        case Duration():
            return message.ToTimedelta().total_seconds()
        case Struct():
            return {name: plain(value) for name, value in message.fields.items()}
        case ListValue():
            return [plain(value) for value in message.values]
        case Value():
            return _free_value(message)
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def _free_value(message: Value) -> Any:
    """Of free content. Its numbers are floats to the contract: a whole one is an integer again."""
    kind = message.WhichOneof("kind")
    value = None if kind is None or kind == "null_value" else getattr(message, kind)
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) <= LARGEST_WHOLE else value
    return value


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.is_repeated:
        return [_value(one, field) for one in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if field.message_type is not None:
        return plain(value)
    if field.enum_type is not None:
        return enum_name(field, value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def enum_name(field: Any, number: int) -> str:
    """`ACTIVE` for MODEL_STATE_ACTIVE; a number not known here as its digits."""
    kind = field.enum_type
    if kind is None or number not in kind.values_by_number:
        return str(number)
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.name).upper()
    name: str = kind.values_by_number[number].name
    return name.removeprefix(f"{prefix}_")
