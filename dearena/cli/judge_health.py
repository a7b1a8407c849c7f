"""How healthy the judges of a dimension have been, by the ranker's records."""

from collections.abc import Sequence

from rich.table import Table

from dearena.cli import columns
from dearena.v1 import ranker_pb2


def table(found: Sequence[ranker_pb2.JudgeHealth]) -> Table:
    """Records since admission or the last reinstatement; canaries: passed, open and failed."""
    shown = {
        "judge": [one.judge for one in found],
        "state": [f"suspended: {one.reason}".removesuffix(": ") if one.suspended else "judges" for one in found],
        "cells": [f"{one.cells:,}" for one in found],
        "unreadable": [f"{one.unreadable:,}" for one in found],
        "failed": [f"{one.failed:,}" for one in found],
        "first : second seat": [f"{one.first_seat:,} : {one.second_seat:,}" for one in found],
        "canaries": [f"{one.canaries_passed} · {one.canaries_open} · {one.canaries_failed}" for one in found],
        "with : against board": [f"{one.agreed:,} : {one.disagreed:,}" for one in found],
    }
    return columns.table(shown, left=("judge", "state"))
