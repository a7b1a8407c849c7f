"""A port is given to one of us at a time, from its choice until it is let go."""

import socket
import subprocess
import sys

import pytest

from dearena.local import ports


def test_a_claimed_port_is_nobody_elses_though_nobody_listens_on_it() -> None:
    with ports.claims() as ours, ports.claims() as others:
        (port,) = ours.fresh(1)
        assert ports.is_free(port)
        assert not others.take(port)
        assert ours.take(port)


def test_a_claim_is_seen_in_other_processes_and_goes_with_its_process() -> None:
    script = "from dearena.local import ports; print(ports.free_port(), flush=True); input()"
    with ports.claims() as ours:
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            port = int(other.stdout.readline())
            assert not ours.take(port)
            other.kill()
        assert ours.take(port)


def test_a_claim_ends_with_its_block() -> None:
    with ports.claims() as first:
        (port,) = first.fresh(1)
    with ports.claims() as second:
        assert second.take(port)


def test_a_port_on_which_a_stranger_listens_is_not_claimed() -> None:
    with ports.claims() as first:
        (port,) = first.fresh(1)
        with socket.socket() as stranger:
            stranger.bind((ports.LOOPBACK, port))
            stranger.listen()
            with ports.claims() as ours:
                assert not ours.take(port)
            assert not first.take(port)
    with ports.claims() as ours:
        assert ours.take(port)


def test_no_two_are_given_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PORTS", range(19_000, 19_020))
    with ports.claims() as first, ports.claims() as second:
        given = [*first.fresh(5), *second.fresh(5), *first.fresh(5)]
        assert len(set(given)) == 15
        with pytest.raises(ports.NoPortFree, match="fewer than 6 free ports between 19000 and 19020"):
            second.fresh(6)


def test_a_process_keeps_the_newest_claims_only() -> None:
    with ports.claims() as ours, ports.claims() as others:
        oldest, newest = ours.fresh(2)
        ours.keep_newest(1)
        assert others.take(oldest)
        assert not others.take(newest)
