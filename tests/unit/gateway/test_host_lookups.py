"""Lookups of names: shared, remembered, and waited for no longer than is said."""

import asyncio
import socket
import threading

import pytest

from services.gateway.host_lookups import SLOW_HOST, HostLookups, NameNotFound


async def test_a_lookup_that_takes_too_long_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    go, looked_up = threading.Event(), []

    def hanging(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        go.wait(60)
        return [(2, 1, 6, "", ("192.0.2.1", 0)), (2, 2, 17, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    lookups = HostLookups(seconds=0.2)
    try:
        loop = asyncio.get_running_loop()
        first = await asyncio.gather(*(lookups.addresses("slow.test") for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in first] == [SLOW_HOST] * 3
        began = loop.time()
        with pytest.raises(NameNotFound, match=SLOW_HOST):
            await lookups.addresses("slow.test")
        assert loop.time() - began < 0.1
        (in_flight,) = lookups._in_flight.values()
        go.set()
        await in_flight
        await asyncio.sleep(0)  # what is done at its end
        # What comes late is welcome.
        assert await lookups.addresses("slow.test") == [(2, "192.0.2.1")]
        assert looked_up == ["slow.test"]
    finally:
        go.set()
        lookups.close()


async def test_a_lookup_that_failed_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []

    def unknown(host: str, *_: object, **__: object) -> None:
        looked_up.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    lookups = HostLookups(seconds=5)
    try:
        for _ in range(3):
            with pytest.raises(NameNotFound, match="not known"):
                await lookups.addresses("gone.test")
        assert looked_up == ["gone.test"]
        lookups._failed.clear()  # some seconds later
        with pytest.raises(NameNotFound):
            await lookups.addresses("gone.test")
        assert looked_up == ["gone.test"] * 2
    finally:
        lookups.close()


@pytest.mark.parametrize(("figures", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
async def test_an_address_in_figures_is_not_looked_up(
    figures: str, family: socket.AddressFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    lookups = HostLookups(seconds=5)
    assert await lookups.addresses(figures) == [(family, figures)]
    lookups.close()
