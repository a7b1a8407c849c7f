"""What a person sees of models, and of probes of their endpoints."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from dearena.cli.models import drift, probes_table
from dearena.v1 import gateway_pb2 as pb
from tests.unit.cli.test_board_reports import lines


def at(hour: int) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime(2026, 5, 1, hour, 30, tzinfo=UTC))
    return moment


def test_a_model_says_whether_its_endpoint_has_changed_and_whether_that_is_over() -> None:
    assert drift(pb.Model()) == ""
    changed = pb.Model(drift_time=at(11), drift_detail="3 of 4 replies differ that were the same twice")
    assert drift(changed) == "has changed: 3 of 4 replies differ that were the same twice"
    changed.drift_end_time.CopyFrom(at(12))
    assert drift(changed).startswith("is as before since 2026-05-01 12:30:00, had changed: 3 of 4")


def test_each_probe_says_what_came_and_what_differs() -> None:
    probes = [
        pb.Probe(model="mu@1", number=1, time=at(11), upstream_model="mu-large", reply_hashes=["a", "b", "c", ""]),
        pb.Probe(model="mu@1", number=2, time=at(12), reply_hashes=["", "", "", ""]),
        pb.Probe(model="mu@1", number=3, time=at(13), reply_hashes=["a", "b", "c", "d"], drift="fingerprint"),
    ]
    assert [line.split() for line in lines(probes_table(probes))[1:]] == [
        ["mu@1", "1", "2026-05-01", "11:30:00", "3", "of", "4", "mu-large", "in", "nothing"],
        ["mu@1", "2", "2026-05-01", "12:30:00", "0", "of", "4"],
        ["mu@1", "3", "2026-05-01", "13:30:00", "4", "of", "4", "fingerprint"],
    ]
