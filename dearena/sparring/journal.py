"""What was asked of the sparring server: the witness in tests that nothing is paid twice.

It grows by one entry per request id until it is cleared. Pure.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Journal:
    """Counts chat requests by request id and by model, and how many are in flight at once."""

    def __init__(self) -> None:
        self._by_request_id: Counter[str] = Counter()
        self._by_model: Counter[str] = Counter()
        self._total = 0
        self._in_flight = _Gauge()
        self._in_flight_by_model: dict[str, _Gauge] = {}

    def received(self, request_id: str) -> int:
        """Count a request, whatever becomes of it; returns how often its id was received before.

        A request without id counts in the total only.
        """
        self._total += 1
        if not request_id:
            return 0
        self._by_request_id[request_id] += 1
        return self._by_request_id[request_id] - 1

    @contextmanager
    def in_flight(self, model: str) -> Iterator[None]:
        """Note a request to `model` (`world/upstream id`) while it is being served."""
        self._by_model[model] += 1
        of_model = self._in_flight_by_model.setdefault(model, _Gauge())
        with self._in_flight.one(), of_model.one():
            yield

    def clear(self) -> None:
        """Forget all requests; those in flight stay in flight."""
        self._by_request_id.clear()
        self._by_model.clear()
        self._total = 0
        for gauge in (self._in_flight, *self._in_flight_by_model.values()):
            gauge.peak = gauge.now

    def models(self, world: str) -> list[str]:
        """Upstream ids of a world that were asked for, sorted."""
        prefix = f"{world}/"
        return sorted(model.removeprefix(prefix) for model in self._by_model if model.startswith(prefix))

    def report(self) -> dict[str, Any]:
        """The journal as JSON: `repeated` holds the ids that came more than once."""
        by_request_id = dict(self._by_request_id)
        return {
            "total": self._total,
            "without_id": self._total - self._by_request_id.total(),
            "in_flight": self._in_flight.now,
            "in_flight_peak": self._in_flight.peak,
            "by_model": {
                model: {"requests": requests, "in_flight_peak": self._in_flight_by_model[model].peak}
                for model, requests in sorted(self._by_model.items())
            },
            "by_request_id": by_request_id,
            "repeated": {request_id: times for request_id, times in by_request_id.items() if times > 1},
        }


class _Gauge:
    """How many now, and at most so far."""

    __slots__ = ("now", "peak")

    def __init__(self) -> None:
        self.now = 0
        self.peak = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        self.now += 1
        self.peak = max(self.peak, self.now)
        try:
            yield
        finally:
            self.now -= 1
