"""The process runner's file gives services the time that they take to stop."""

from configparser import RawConfigParser

import pytest

from dearena.local.supervision import PROCESS_FILE
from services.gateway.settings import GatewaySettings
from services.runtime.settings import ServiceSettings

SERVICES = ("query_selector", "ranker", "judge_dispatcher", "scorer")
MARGIN_SECONDS = 5.0
"""To close what is open."""


@pytest.fixture
def file() -> RawConfigParser:
    parser = RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(PROCESS_FILE.read_text())
    return parser


def drains() -> float:
    """Of the bus first, then of the server."""
    return 2 * float(ServiceSettings.model_fields["drain_seconds"].default)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_killed_while_it_drains(file: RawConfigParser, service: str) -> None:
    assert file.getfloat(f"program:{service}", "stopwaitsecs") >= drains() + MARGIN_SECONDS


def test_the_gateway_is_not_killed_while_it_waits_for_calls_that_were_sent(file: RawConfigParser) -> None:
    environment = dict(pair.split("=", 1) for pair in file.get("program:gateway", "environment").split(","))
    calls = float(environment["DEARENA_DRAIN_CALLS_SECONDS"].strip('"'))
    assert 0 < calls <= GatewaySettings.model_fields["drain_calls_seconds"].default
    assert file.getfloat("program:gateway", "stopwaitsecs") >= drains() + calls + MARGIN_SECONDS
