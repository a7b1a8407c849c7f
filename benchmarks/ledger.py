"""What sums over a large record of calls take: the ledger, and the account of a gateway that died.

    python -m benchmarks.ledger [--calls 1000000] [--json]

Fills the record on a real mongod in a temporary directory with charged calls whose replies have 1 kB, in four
dimensions, of twenty models, all from one account. Then times the ledger of all, right after and again, the ledger of
one dimension, and the closing of the account, whose sum must come out to the nano-unit. A million calls take 2 GB of
disk and some minutes to write. The machine's load stands beside the figures.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog
from pymongo.write_concern import WriteConcern

from dearena.local import ports, servers
from dearena.v1 import gateway_pb2 as pb
from services.gateway.leases import Leases
from services.gateway.money.closing import DeadAccounts
from services.gateway.money.ledger_sums import LedgerSums
from services.gateway.store import BUDGETS, COMPLETIONS, INDEXES
from services.runtime.store import Document, Store, now

AT_ONCE: Final = 5_000
MODELS: Final = 20
DIMENSIONS: Final = 4
COST: Final = 1_000
"""Nano-units a call."""
UNSETTLED: Final = 3 * COST
"""What the account had not written when its gateway died."""
RESERVED: Final = 5 * COST
TEXT: Final = "word " * 200
BUDGET: Final = "default/DIMENSION/d0/"


def records(first: int, count: int) -> Iterator[Document]:
    """Calls that have ended, as the gateway keeps them."""
    for number in range(first, first + count):
        yield {
            "_id": f"default/{number:064x}",
            "project": "default",
            "request_id": f"{number:064x}",
            "model": f"m{number % MODELS}@1",
            "purpose": "JUDGE",
            "dimension": f"d{number % DIMENSIONS}",
            "query_id": f"q{number % 40}",
            "on_behalf_of": [f"m{number % (MODELS - 1)}@1"],
            "state": "DONE",
            "owner": "dead",
            "number": number,
            "interruptions": 0,
            "started_at": now(),
            "ended_at": now(),
            "cost": {"currency": "USD", "nano_units": COST},
            "reply": {
                "text": TEXT,
                "reasoning": "",
                "input_tokens": 800,
                "output_tokens": 200,
                "reasoning_tokens": 0,
                "usage_estimated": False,
            },
            "holds": [],
            "charges": [{"budget": "uid", "account": "dead~0", "nano_units": COST}],
            "schema_version": 1,
        }


async def fill(store: Store, calls: int) -> None:
    """Write the record, and a budget with the dead account."""
    await store.ensure_indexes({name: INDEXES[name] for name in (COMPLETIONS, BUDGETS)})
    # Nobody waits for the journal: it is not the writing that is measured.
    completions = store.collection(COMPLETIONS).with_options(write_concern=WriteConcern(w=1, j=False))
    for first in range(0, calls, AT_ONCE):
        await completions.insert_many(list(records(first, min(AT_ONCE, calls - first))), ordered=False)
    account = {"gateway": "dead", "number": 7, "spent": calls * COST - UNSETTLED, "reserved": RESERVED}
    budget = {"_id": BUDGET, "project": "default", "uid": "uid", "spent": account["spent"], "reserved": RESERVED}
    await store.collection(BUDGETS).insert_one({**budget, "accounts": {"dead~0": account}})


async def timed(what: Callable[[], Awaitable[Any]]) -> float:
    """Seconds it took."""
    began = time.perf_counter()
    await what()
    return time.perf_counter() - began


async def measure(calls: int) -> dict[str, float]:
    """Seconds by what was done."""
    with tempfile.TemporaryDirectory(prefix="dearena-ledger-") as folder:
        mongod = await servers.start_mongod(Path(folder), port := ports.free_port())
        store = Store(servers.mongo_url(port), "ledger")
        try:
            found = {"fill": await timed(lambda: fill(store, calls))}

            async def ledger(dimension: str, wanted: int) -> None:
                asked = pb.SummarizeLedgerRequest(parent="projects/default", dimension=dimension)
                counted = sum(one.calls for one in (await LedgerSums(store).of(asked)).sums)
                if counted != wanted:
                    raise RuntimeError(f"the ledger counts {counted} calls of {wanted}")

            of_one = len(range(0, calls, DIMENSIONS))
            found["ledger"] = await timed(lambda: ledger("", calls))
            found["ledger_again"] = await timed(lambda: ledger("", calls))
            found["ledger_of_a_dimension"] = await timed(lambda: ledger("projects/default/dimensions/d0", of_one))
            accounts = DeadAccounts(store, Leases(store, "alive", seconds=60))
            found["close_an_account"] = await timed(accounts.close)
            budget = await store.collection(BUDGETS).find_one({"_id": BUDGET})
            if budget is None or (budget["spent"], budget["reserved"], budget["accounts"]) != (calls * COST, 0, {}):
                raise RuntimeError(f"the account was not closed as it should be: {budget}")
        finally:
            store.close()
            mongod.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000, help="charged calls in the record")
    parser.add_argument("--json", action="store_true", help="print the figures for programs")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    load = os.getloadavg()[0]
    found = asyncio.run(measure(asked.calls))
    if asked.json:
        print(json.dumps({"calls": asked.calls, "load": load, "seconds": found}))
        return
    print(f"{asked.calls:,} calls; the machine's load was {load:.1f} before, on {os.cpu_count()} processors")
    for name, seconds in found.items():
        print(f"  {name.replace('_', ' '):<24}{seconds:8.2f} s")


if __name__ == "__main__":
    main()
