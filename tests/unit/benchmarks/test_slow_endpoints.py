"""What the benchmark of slow endpoints says of its times, and what makes them slow."""

import pytest

from benchmarks.slow_endpoints import Measured, resident_mib
from benchmarks.slow_world import Slow, request_of
from dearena.sparring.calls import Call, Completed, Purpose
from dearena.sparring.planted import PlantedWorld


def test_the_ideal_is_what_the_endpoints_alone_would_take() -> None:
    measured = Measured(20_000, 1_000, 2.0, 44.0, {"gateway": 100.0}, {"gateway": 30.0})
    assert measured.ideal_seconds == pytest.approx(40.0)
    assert measured.over_ideal == pytest.approx(1.1)
    assert measured.summary()["over_ideal"] == pytest.approx(1.1)


def test_resident_size_is_read_in_mebibytes() -> None:
    assert resident_mib("Name:\tpython\nVmSize:\t999999 kB\nVmRSS:\t  204800 kB\n") == pytest.approx(200.0)
    with pytest.raises(ValueError, match="VmRSS"):
        resident_mib("Name:\tpython\n")


def test_a_slow_world_says_the_same_and_takes_its_time() -> None:
    call = Call(model="amber", user_messages=("What is 2 + 2?",), told_query="q", purpose=Purpose.ANSWER)
    world = PlantedWorld(seed=0)
    slow, quick = Slow(world, 7.0).reply(call), world.reply(call)
    assert isinstance(slow, Completed)
    assert isinstance(quick, Completed)
    assert slow.text == quick.text
    assert slow.delay_seconds == pytest.approx(7.0)


def test_a_request_is_read_when_all_of_it_has_come() -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
    assert request_of(head[:-1]) is None
    assert request_of(head + b"{} ") is None
    assert request_of(head + b"{}  ") == ("/v1/chat/completions", b"{}  ")
    assert request_of(b"GET /v1/models HTTP/1.1\r\n\r\n") == ("/v1/models", b"")
