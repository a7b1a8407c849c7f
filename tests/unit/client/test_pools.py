"""Pools of files: plain, packed, and not what they say."""

import gzip
from pathlib import Path

import pytest

from dearena.client import pools
from dearena.faults import BrokenPool

CONTENT = b'{"id": "a", "text": "Why?"}\n' * 20_000


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    (plain := tmp_path / "pool.jsonl").write_bytes(CONTENT)
    (packed := tmp_path / "pool.jsonl.gz").write_bytes(gzip.compress(CONTENT))
    assert pools.content_of(plain) == pools.content_of(packed) == CONTENT


def test_a_file_that_is_not_packed_as_its_name_says_is_refused(tmp_path: Path) -> None:
    for name, content in {"a.gz": CONTENT, "b.gz": gzip.compress(CONTENT)[:-9]}.items():
        (path := tmp_path / name).write_bytes(content)
        with pytest.raises(BrokenPool, match=name):
            pools.content_of(path)


def test_pieces_are_small_and_together_the_whole() -> None:
    pieces = list(pools.pieces_of(CONTENT))
    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) <= pools.PIECE_BYTES


@pytest.mark.parametrize("name", ["plain.jsonl", "bomb.jsonl.gz"])
def test_what_is_larger_than_any_pool_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(pools, "MOST_BYTES", 1_000)
    (path := tmp_path / name).write_bytes(gzip.compress(CONTENT) if name.endswith("gz") else CONTENT)
    with pytest.raises(BrokenPool, match="more than 1,000 bytes"):
        pools.content_of(path)
