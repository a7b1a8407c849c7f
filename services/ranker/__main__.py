"""Run the ranker: `python -m services.ranker`."""

from services.ranker.room import build
from services.ranker.settings import RankerSettings
from services.runtime.lifecycle import main

main("ranker", RankerSettings, build)
