"""Run the ranker: `python -m services.ranker`."""

import os

# Read when numpy is loaded. With one thread, sums are taken in one order: the same outcomes give the same decisions,
# however many cores there are.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

from services.ranker.room import build  # noqa: E402
from services.ranker.settings import RankerSettings  # noqa: E402
from services.runtime.lifecycle import main  # noqa: E402

main("ranker", RankerSettings, build)
