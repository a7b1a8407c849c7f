"""A pool that a file declares is read once, for the check and for what follows."""

import sys
from pathlib import Path
from typing import Any, cast

import pytest

from dearena.client import ArenaClient, apply, read_arena_file
from dearena.faults import UnknownDimension
from dearena.v1 import query_selector_pb2 as pb

MODULE = sys.modules["dearena.client.apply"]
"""`dearena.client.apply` is the function."""


class Selector:
    """What `apply` asks of a client where a file declares dimensions only."""

    project = "default"

    def __init__(self, table: Path) -> None:
        self.table = table
        self.given: list[tuple[bytes, bool]] = []

    def dimension_name(self, slug: str) -> str:
        return f"projects/default/dimensions/{slug}"

    async def get_dimension(self, slug: str) -> pb.Dimension:
        raise UnknownDimension(slug)

    async def create_dimension(
        self, _wanted: pb.Dimension, content: bytes, *, validate_only: bool = False, request_id: str = ""
    ) -> None:
        self.given.append((content, validate_only))
        # Whoever writes the table anew meanwhile is not heard: that was not checked.
        self.table.write_text("question\nWhat is new?\n")


@pytest.mark.parametrize("more", ["", ", merge_duplicates: true"])
async def test_what_is_applied_is_what_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    table, file = tmp_path / "pool.csv", tmp_path / "arena.yaml"
    table.write_text("question\nWhat is a ring?\nWhat is a field?\nWhich is the largest prime below one hundred?\n")
    dimension = f"slug: algebra, pool: pool.csv, map: {{text: question}}, selection: {{k: 2}}{more}"
    file.write_text(f"dimensions:\n  - {{{dimension}}}\n")
    read: list[Path] = []
    pool_of = cast("Any", MODULE).pool_of

    def counted(path: Path, *args: Any, **named: Any) -> Any:
        read.append(path)
        return pool_of(path, *args, **named)

    monkeypatch.setattr(MODULE, "pool_of", counted)
    selector = Selector(table)
    changes = [change async for change in apply(cast("ArenaClient", selector), read_arena_file(file))]

    assert [change.slug for change in changes] == ["algebra"]
    assert read == [table]
    (checked, first), (made, second) = selector.given
    assert (first, second) == (True, False)
    assert checked == made
    assert b"ring" in made
