"""Make a lone mongod a replica set of one, for transactions, and wait until it can be written to.

Run as `python -m services.runtime.replica_set HOST:PORT`; harmless when repeated.
"""

import asyncio
import sys

from services.runtime.store import initiate_replica_set

PATIENCE_SECONDS = 45.0


def main() -> None:
    """Initiate by the address given; exits 1 with one line when it cannot be done."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the name and one argument
        sys.exit("usage: python -m services.runtime.replica_set HOST:PORT")
    try:
        asyncio.run(initiate_replica_set(sys.argv[1], "rs0", PATIENCE_SECONDS))
    except TimeoutError:
        sys.exit(f"{sys.argv[1]} was not a writable primary within {PATIENCE_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
