"""Worlds from a YAML file."""

from pathlib import Path

import pytest

from dearena.sparring import worlds
from dearena.sparring.calls import Call, Purpose
from dearena.sparring.faulty import FaultyWorld
from dearena.sparring.planted import Character, PlantedWorld
from dearena.sparring.recorded import RecordedWorld
from dearena.sparring.worlds import BrokenWorlds
from tests.unit.sparring.test_records import folder


def loaded(path: Path, text: str) -> dict[str, object]:
    file = path / "worlds.yaml"
    file.write_text(text)
    return dict(worlds.load(file))


def test_every_kind_of_world_is_described_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    folder(tmp_path / "recordings")
    found = loaded(
        tmp_path,
        """
        worlds:
          economy: {kind: planted, seed: 1, tie_rate: 0.1, hostile: inverted, characters: {alpha: first}}
          replay: {kind: recorded, folder: recordings}
          broken: {kind: faulty, key: open}
        """,
    )
    assert found["economy"] == PlantedWorld(
        seed=1, tie_rate=0.1, hostile=Character.INVERTED, characters={"alpha": Character.FIRST}
    )
    assert isinstance(found["replay"], RecordedWorld)
    assert found["broken"] == FaultyWorld(key="open")


def test_a_described_world_replies_as_one_made_in_python(tmp_path: Path) -> None:
    found = worlds.build({"worlds": {"w": {"kind": "planted", "seed": 3}}}, beside=tmp_path)
    call = Call("alpha", ("Why?",), "q1", Purpose.ANSWER)
    assert found["w"].reply(call) == PlantedWorld(seed=3).reply(call)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "valid dictionary"),
        ("worlds: {}", "worlds: "),
        ("worlds: {w: {kind: imagined}}", "worlds.w: .*planted"),
        ("worlds: {w: {kind: planted}}", "worlds.w.planted.seed: Field required"),
        ("worlds: {w: {kind: planted, seed: 0, tie_rat: 0.1}}", "tie_rat: Extra inputs"),
        ("worlds: {w: {kind: planted, seed: 0, tie_rate: 2}}", "tie_rate is 2.0: a probability"),
        ("worlds: {w: {kind: planted, seed: 0, hostile: rude}}", "hostile: Input should be 'honest'"),
        ("worlds: {My World: {kind: faulty}}", "My World"),
        ("worlds: {w: {kind: recorded, folder: nowhere}}", "nowhere holds neither queries.jsonl"),
        ("worlds: [", "worlds.yaml: "),
        ("worlds: 2026-99-99", "worlds.yaml: "),
        ("worlds: " + "[" * 10_000, "worlds.yaml: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BrokenWorlds, match=said):
        loaded(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenWorlds, match=r"none.yaml: "):
        worlds.load(tmp_path / "none.yaml")
