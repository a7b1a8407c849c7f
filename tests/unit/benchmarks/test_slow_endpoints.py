"""What the benchmark of slow endpoints says of its times, and what makes them slow."""

import pytest

from benchmarks.slow_endpoints import Measured, resident_mib
from benchmarks.slow_world import Slow
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
