"""What leave to send costs a call: CPU, and questions to the store, where limits are far away and where calls wait.

`PYTHONPATH=. python benchmarks/admission.py`; the store is in memory, so that its own time is left out. Of the CPU, a
part is that of the task in which each call is made.
"""

import asyncio
import time
from datetime import timedelta
from typing import cast

from dearena.names import Revision
from services.gateway.calls import Call, Purpose
from services.gateway.chat import Message, Reply
from services.gateway.limits.admission import Admission, no_key_limits
from services.gateway.limits.breaker import BreakerPolicy
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.models import Endpoint, ModelSpec
from tests.fixtures.limit_records import RecordsInMemory

CALLS = 20_000
WAITING = 5_000
PROMPT = "x" * 2_000
REPLY = Reply("42", "stop", 500, 3, usage_estimated=False, upstream_model="m")


def call_of(spec: ModelSpec, dimension: str) -> Call:
    return Call("p", Revision("m", 1), spec, [Message("user", PROMPT)], {}, "0" * 64, Purpose.JUDGE, dimension)


async def pass_one(admission: Admission, call: Call) -> None:
    async with await admission.passage(call) as passage:
        await asyncio.sleep(0)
        passage.ended(REPLY, None)


async def measure() -> None:
    endpoint, timeout = Endpoint("http://m/v1", "m"), timedelta(seconds=60)
    far = ModelSpec(endpoint, concurrency=1000, timeout=timeout, requests_per_minute=10**8, tokens_per_minute=2**31)
    near = ModelSpec(endpoint, concurrency=64, timeout=timeout)
    for what, spec, calls, at_once in (
        ("far limits", far, CALLS, 1),
        ("64 slots, all at once", near, WAITING, WAITING),
    ):
        records = RecordsInMemory()
        admission = Admission(
            cast("LimitRecords", records), "g", no_key_limits, BreakerPolicy(), seat_seconds=3600.0, longest_hold=60.0
        )
        began = time.process_time()
        for first in range(0, calls, at_once):
            made = (call_of(spec, f"d{number % 10}") for number in range(first, first + at_once))
            await asyncio.gather(*(pass_one(admission, call) for call in made))
        spent = (time.process_time() - began) / calls
        print(f"{what}: {calls:,} calls, {1e6 * spent:.0f} us of CPU each, {records.steps} questions to the store")
        await admission.close()


if __name__ == "__main__":
    asyncio.run(measure())
