"""Run the scorer: `python -m services.scorer`."""

import os

# Read when numpy is loaded. With one thread, sums are taken in one order, and the same votes give the
# same board to the bit, however many cores there are.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

from services.runtime.lifecycle import main  # noqa: E402
from services.scorer.room import build  # noqa: E402
from services.scorer.settings import ScorerSettings  # noqa: E402

main("scorer", ScorerSettings, build)
