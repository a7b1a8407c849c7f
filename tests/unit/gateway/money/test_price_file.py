"""A price file is read again when it changes; one that breaks leaves the prices as they were."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.gateway.models import Endpoint, ModelSpec
from services.gateway.money.price_file import LOOK_SECONDS, PriceFile
from services.gateway.money.price_list import BrokenPriceFile
from services.gateway.pricing import Money, Price

KAPPA = Endpoint("http://m/v1", "kappa")
ENTRY = "prices:\n  - {{upstream_model: kappa, currency: USD, per_million_output_tokens: {}}}\n"


def price_of(file: PriceFile) -> int | None:
    price = file.prices.of(KAPPA, "")
    of_output = None if price is None else price.per_million_output_tokens
    return None if of_output is None else of_output.nano_units


def test_it_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path, time = tmp_path / "prices.yaml", [0.0]
    path.write_text(ENTRY.format(1))
    file = PriceFile(str(path), clock=lambda: time[0])
    path.write_text(ENTRY.format(22))
    assert price_of(file) == 10**9
    time[0] += LOOK_SECONDS
    assert price_of(file) == 10**9  # it may be half written
    time[0] += LOOK_SECONDS
    assert price_of(file) == 22 * 10**9

    for broken in ("prices: [", "\n", "prices:\n", None):
        path.write_text(broken) if broken else path.unlink()
        time[0] += LOOK_SECONDS
        with capture_logs() as logs:
            for _ in range(3):
                assert price_of(file) == 22 * 10**9
                time[0] += LOOK_SECONDS
        (told,) = logs  # once, not at every look
        assert told["log_level"] == "error"
        assert str(path) in told["error"]
    path.write_text(ENTRY.format(3))
    for _ in range(2):
        time[0] += LOOK_SECONDS
        price_of(file)
    assert price_of(file) == 3 * 10**9


def test_prices_that_are_gone_are_known_and_said_once_until_they_are_there_again(tmp_path: Path) -> None:
    path, time = tmp_path / "prices.yaml", [0.0]
    spec = ModelSpec(endpoint=KAPPA)
    path.write_text(ENTRY.format(1))
    file = PriceFile(str(path), clock=lambda: time[0])

    def after(content: str) -> tuple[bool, list[str]]:
        path.write_text(content)
        with capture_logs() as logs:
            for _ in range(2):
                time[0] += LOOK_SECONDS
                has_lost = file.prices.has_lost(spec)
        return has_lost, [name for one in logs for name in one.get("upstream_models", ())]

    assert not file.prices.has_lost(spec)
    typo = ENTRY.format(1).replace("kappa", "kapa")
    assert after(typo) == (True, ["kappa"])
    assert after("prices: []") == (True, ["kapa"])
    assert not file.prices.has_lost(ModelSpec(endpoint=Endpoint("http://m/v1", "never-priced")))
    assert not file.prices.has_lost(ModelSpec(endpoint=KAPPA, price=Price(Money("USD", 1))))
    assert after(ENTRY.format(0)) == (False, [])
    # What cost nothing has lost nothing.
    assert after("prices: []") == (False, [])
    assert after(ENTRY.format(2)) == (False, [])
    assert after(typo) == (True, ["kappa"])


def test_one_that_is_broken_at_the_start_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BrokenPriceFile, match="No such file"):
        PriceFile(str(tmp_path / "absent.yaml"))
    (tmp_path / "prices.yaml").write_bytes(b"\xff")
    with pytest.raises(BrokenPriceFile):
        PriceFile(str(tmp_path / "prices.yaml"))


def test_without_a_path_there_are_none() -> None:
    assert price_of(PriceFile("")) is None
