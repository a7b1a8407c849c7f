"""Files that key references may name: read as far as a key can reach, and nothing that would hold up the gateway."""

import os
from pathlib import Path

import pytest

from services.gateway.key_references import MAX_KEY_LENGTH, KeyMissing, KeyReference, KeyRing
from services.gateway.room import read_key_file

RING = KeyRing({}, read_key_file, directory="/")


def test_a_key_is_read_from_a_mounted_file(tmp_path: Path) -> None:
    (tmp_path / "mounted").write_text("k" * MAX_KEY_LENGTH + "\n")
    (tmp_path / "key").symlink_to(tmp_path / "mounted")
    assert RING.key(KeyReference("file", str(tmp_path / "key")), "api.example.com") == "k" * MAX_KEY_LENGTH


def test_a_file_that_is_too_long_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("k" * 100_000)
    assert len(read_key_file(str(tmp_path / "long"))) < 100_000
    with pytest.raises(KeyMissing):
        RING.key(KeyReference("file", str(tmp_path / "long")), "api.example.com")


@pytest.mark.timeout(10)
def test_devices_and_pipes_are_no_keys(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path)):
        with pytest.raises(KeyMissing):
            RING.key(KeyReference("file", path), "api.example.com")
