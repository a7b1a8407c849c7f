"""How endpoints fare at present, by what gateways share about them."""

from collections.abc import Sequence
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table

from dearena.cli import columns, words
from dearena.v1 import gateway_pb2


def table(found: Sequence[gateway_pb2.EndpointState]) -> Table:
    """Endpoints: whether calls go, how many, and what went wrong last; times UTC."""
    shown = {
        "model": [words.slug(one.model) for one in found],
        "calls": [_calls(one) for one in found],
        "at once": [f"{one.allowed_concurrency:,}" for one in found],
        "in flight": [f"{one.in_flight:,}" for one in found],
        "waiting": [f"{one.waiting:,}" for one in found],
        "last failure": [_last_failure(one) for one in found],
    }
    return columns.table(shown, left=("model", "calls", "last failure"))


def _calls(one: gateway_pb2.EndpointState) -> str:
    if one.breaker == gateway_pb2.BREAKER_STATE_OPEN:
        return f"left alone until {_clock(one.open_until)}"
    if one.breaker == gateway_pb2.BREAKER_STATE_HALF_OPEN:
        return "wait for a probe"
    return f"held until {_clock(one.held_until)}, as it asked" if one.HasField("held_until") else "go"


def _last_failure(one: gateway_pb2.EndpointState) -> str:
    return f"{_clock(one.last_failure_time)} {one.last_failure}" if one.last_failure else ""


def _clock(moment: Timestamp) -> str:
    return moment.ToDatetime(UTC).strftime("%H:%M:%S")
