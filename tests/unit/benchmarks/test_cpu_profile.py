"""Samples are booked on whose code they are in, and what ran before the loop is left out."""

import pytest

from benchmarks.cpu_profile import whose

LOOP = "/x/lib/python3.11/asyncio/runners.py:Runner.run"


def test_the_innermost_place_counts_by_whose_code_it_is() -> None:
    found = whose(
        [
            f"0.5 /r/services/gateway/__main__.py:<module>;{LOOP};/r/services/gateway/calls.py:Call.note",
            f"0.25 {LOOP};/r/services/gateway/calls.py:Call.note;/x/lib/python3.11/site-packages/aiohttp/client.py:f",
            f"0.125 {LOOP};/x/lib/python3.11/json/decoder.py:JSONDecoder.decode",
            f"0.0625 {LOOP}",
        ]
    )
    assert found == pytest.approx(
        {"services/gateway/calls": 0.5, "aiohttp": 0.25, "python: json": 0.125, "python: asyncio": 0.0625}
    )


def test_the_start_is_left_out_and_threads_are_not() -> None:
    found = whose(["3.0 /r/a.py:<module>;/r/services/gateway/calls.py:<module>", "1.5 thread Worker", "1.0 no Python"])
    assert found == pytest.approx({"thread Worker": 1.5, "no Python": 1.0})
