"""Votes as lines, and files of them."""

import gzip
import json
from pathlib import Path
from typing import Any


def vote(**changes: Any) -> dict[str, Any]:
    """A sound row, changed; None takes a field out."""
    row = {"judge": "carol", "model_a": "alpha", "model_b": "beta", "query_id": "q1", "winner": "a"} | changes
    return {name: value for name, value in row.items() if value is not Absent}


class Absent:
    """Stands for a field that is not there."""


def jsonl(path: Path, rows: list[Any]) -> Path:
    """A file of rows as JSON, or of lines as they are, packed when its name says so."""
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path
