"""Addresses: from the environment, else from the file of the local stack, else by default."""

import json
from pathlib import Path
from typing import Any

import pytest

from dearena.client import Addresses
from dearena.faults import InvalidField


def left(directory: Path, content: str) -> Path:
    """A file as the local stack leaves it."""
    path = directory / ".dearena" / "endpoints.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_without_anything_said_the_defaults_hold(tmp_path: Path) -> None:
    assert Addresses.find(environment={}, directory=tmp_path) == Addresses()


def test_the_file_is_found_from_below_and_need_not_say_all(tmp_path: Path) -> None:
    left(tmp_path, json.dumps({"gateway": "127.0.0.1:7", "sparring": "http://127.0.0.1:8", "mongo": "not for clients"}))
    (below := tmp_path / "a" / "b").mkdir(parents=True)
    found = Addresses.find(environment={}, directory=below)
    assert found == Addresses(gateway="127.0.0.1:7", sparring="http://127.0.0.1:8")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    left(tmp_path, json.dumps({"gateway": "127.0.0.1:7", "ranker": "127.0.0.1:8"}))
    environment = {"DEARENA_GATEWAY_ADDRESS": "dns:///gateway:1", "DEARENA_SCORER_ADDRESS": ""}
    found = Addresses.find(environment=environment, directory=tmp_path)
    assert (found.gateway, found.ranker, found.scorer) == ("dns:///gateway:1", "127.0.0.1:8", Addresses().scorer)


def test_the_environment_may_name_another_file(tmp_path: Path) -> None:
    path = left(tmp_path / "elsewhere", json.dumps({"gateway": "127.0.0.1:7"}))
    found = Addresses.find(environment={"DEARENA_ENDPOINTS": str(path)}, directory=tmp_path)
    assert found.gateway == "127.0.0.1:7"


@pytest.mark.parametrize(
    ("content", "description"),
    [("{", "is not JSON"), ("[]", "must hold one JSON object"), ('{"ranker": 50053}', "ranker must be a string")],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path: Path, content: str, description: str) -> None:
    path = left(tmp_path, content)
    with pytest.raises(InvalidField, match=description) as caught:
        Addresses.find(environment={}, directory=tmp_path)
    assert caught.value.violations[0].field == str(path)


def test_a_named_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    environment: dict[str, Any] = {"DEARENA_ENDPOINTS": str(tmp_path / "nowhere.json")}
    with pytest.raises(InvalidField, match="cannot be read"):
        Addresses.find(environment=environment, directory=tmp_path)
