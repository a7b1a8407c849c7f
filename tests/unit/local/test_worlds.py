"""Worlds whose models may be registered go on being served."""

from pathlib import Path

import pytest

from dearena.local import stack
from dearena.sparring import worlds
from dearena.sparring.planted import PlantedWorld


def test_worlds_of_earlier_runs_stay_and_vanished_recordings_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "worlds.yaml"
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    monkeypatch.chdir(tmp_path)
    stack.write_worlds(
        path, {"world-0": {"kind": "planted", "seed": 0}, "recorded": {"kind": "recorded", "folder": "recordings"}}
    )
    assert str(recordings) in path.read_text()
    recordings.rmdir()
    stack.write_worlds(path, {"world-1": {"kind": "planted", "seed": 1}})
    assert worlds.load(path) == {"world-0": PlantedWorld(seed=0), "world-1": PlantedWorld(seed=1)}
