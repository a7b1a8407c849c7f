"""Ports that stay, but for those that somebody else has taken."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dearena.client.addresses import Addresses
from dearena.local import endpoints, ports
from dearena.local.ports import Claims


@pytest.fixture
def claims() -> Iterator[Claims]:
    with ports.claims() as claims:
        yield claims


def test_ports_are_different_stay_and_can_be_read_by_clients(tmp_path: Path, claims: Claims) -> None:
    first, _ = endpoints.settle(tmp_path, claims, database="dearena")
    assert len(set(first.ports.values())) == len(first.ports)
    assert all(port in ports.PORTS for port in first.ports.values())
    assert endpoints.settle(tmp_path, claims, database="other") == (first, [])
    read = Addresses.find(environment={"DEARENA_ENDPOINTS": str(tmp_path / endpoints.FILE)})
    assert read == first.addresses


def test_only_a_port_that_is_taken_changes(tmp_path: Path, claims: Claims) -> None:
    first, _ = endpoints.settle(tmp_path, claims, database="dearena")
    with socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, first.ports["ranker"]))
        stranger.listen()
        second, moved = endpoints.settle(tmp_path, claims, database="dearena")
    changed = [name for name in first.ports if first.ports[name] != second.ports[name]]
    assert changed == moved == ["ranker"]
    assert len(set(second.ports.values())) == len(second.ports)


def test_a_port_that_another_arena_has_claimed_changes_though_nobody_listens(tmp_path: Path, claims: Claims) -> None:
    with ports.claims() as earlier:
        first, _ = endpoints.settle(tmp_path, earlier, database="dearena")
    with ports.claims() as other:
        assert other.take(first.ports["dashboard"])
        second, moved = endpoints.settle(tmp_path, claims, database="dearena")
    assert moved == ["dashboard"]
    assert second.ports["dashboard"] not in first.ports.values()


def test_a_broken_file_is_no_obstacle(tmp_path: Path, claims: Claims) -> None:
    (tmp_path / endpoints.FILE).write_text('{"ports": 3}')
    settled, _ = endpoints.settle(tmp_path, claims, database="dearena")
    assert json.loads((tmp_path / endpoints.FILE).read_text())["ranker"] == settled.address_of("ranker")
