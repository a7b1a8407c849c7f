"""What a person sees of endpoints and of keys."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from dearena.cli import endpoint_health, keys
from dearena.v1 import gateway_pb2 as pb
from tests.unit.cli.test_board_reports import lines


def at(hour: int) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime(2026, 5, 1, hour, 30, tzinfo=UTC))
    return moment


def test_each_endpoint_says_whether_calls_go() -> None:
    states = [
        pb.EndpointState(
            model="projects/default/models/mu", breaker=pb.BREAKER_STATE_CLOSED, allowed_concurrency=8, in_flight=3
        ),
        pb.EndpointState(
            model="projects/default/models/nu",
            breaker=pb.BREAKER_STATE_OPEN,
            open_until=at(12),
            allowed_concurrency=8,
            waiting=1200,
            last_failure="UNREACHABLE: no connection",
            last_failure_time=at(11),
        ),
        pb.EndpointState(model="projects/default/models/xi", breaker=pb.BREAKER_STATE_HALF_OPEN, allowed_concurrency=1),
        pb.EndpointState(
            model="projects/default/models/pi",
            breaker=pb.BREAKER_STATE_CLOSED,
            held_until=at(13),
            allowed_concurrency=4,
        ),
    ]
    assert lines(endpoint_health.table(states))[1:] == [
        "mu go 8 3 0",
        "nu left alone until 12:30:00 8 0 1,200 11:30:00 UNREACHABLE: no connection",
        "xi wait for a probe 1 0 0",
        "pi held until 13:30:00, as it asked 4 0 0",
    ]


def test_keys_are_listed_with_what_limits_they_have() -> None:
    found = [
        pb.KeyLimits(key_reference="env:A_API_KEY", requests_per_minute=6000),
        pb.KeyLimits(key_reference="file:/keys/b", concurrency=4, requests_per_minute=60),
    ]
    assert lines(keys.table(found))[1:] == ["env:A_API_KEY 6,000", "file:/keys/b 4 60"]
