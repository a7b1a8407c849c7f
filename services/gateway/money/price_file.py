"""The price file: read when the gateway starts, and again when it has changed."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from dearena.yaml_places import LARGEST_FILE
from services.gateway.calls import Call
from services.gateway.money.price_list import BrokenPriceFile, PriceList, read_prices

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
"""At most so often it is looked at."""


class PriceFile:
    """Prices at hand. A file that breaks while the gateway runs leaves them as they were, and the log says why."""

    def __init__(self, path: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Read it; without a path there are no prices.

        Raises:
            BrokenPriceFile: it cannot be read, or is wrong; says where.
        """
        self._path = Path(path) if path else None
        self._clock = clock
        self._looked_at = clock()
        self._stamp = self._seen = _stamp(self._path)
        self._prices = PriceList() if self._path is None else _read(self._path)

    @property
    def prices(self) -> PriceList:
        """As the file has them, at most a second ago."""
        if self._path is not None and (now := self._clock()) - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._read_again(self._path)
        return self._prices

    def priced(self, call: Call) -> Call:
        """The call with the price that it is charged at."""
        if self._path is None or call.spec.price is not None:
            return call
        price = self.prices.of_spec(call.spec)
        return call if price is None else replace(call, spec=replace(call.spec, price=price))

    def _read_again(self, path: Path) -> None:
        seen, self._seen = self._seen, _stamp(path)
        if self._seen != seen or (stamp := self._seen) == self._stamp:
            return  # as it was, or somebody may be in the midst of writing it: taken when two looks find the same
        self._stamp = stamp
        try:
            before, self._prices = self._prices, _read(path).after(self._prices)
        except BrokenPriceFile as error:
            log.error("the price file is wrong, and the prices before it stay", error=str(error))  # noqa: TRY400 - it says all
        else:
            log.info("prices have changed", file=str(path), prices=len(self._prices.prices))
            if lost := [name for name in self._prices.names_lost if name not in before.names_lost]:
                log.error("prices are gone, and calls that a budget holds wait for them", upstream_models=lost)


def _read(path: Path) -> PriceList:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BrokenPriceFile(f"{path}: {error.strerror}") from error
    return read_prices(content, str(path))


def _stamp(path: Path | None) -> tuple[int, ...]:
    """Changes with the file; empty where there is none."""
    if path is None:
        return ()
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino, found.st_size
