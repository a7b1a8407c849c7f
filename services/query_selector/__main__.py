"""Run the query selector: `python -m services.query_selector`."""

from services.query_selector.room import build
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.lifecycle import main

main("query_selector", QuerySelectorSettings, build)
