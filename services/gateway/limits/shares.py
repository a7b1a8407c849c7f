"""How gateways share the slots of one limit: whole slots, by need, never more than the limit in all. Pure.

Each gateway has a seat in the record of the limit: how many slots it holds, and how many calls it has. What is
fair is computed from everybody's need; a gateway that holds more gives the difference back when it next looks,
one that holds less takes what is free. Slots that do not divide evenly go round, so that with a limit of one and
three gateways at work each has its turn.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TURN_SECONDS: Final = 2.0
"""How long slots that do not divide evenly stay with whom they are."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One gateway's share of a limit."""

    holds: int = 0
    in_flight: int = 0
    waiting: int = 0
    until: float = 0.0
    """When it is void unless renewed: of a gateway that died."""

    @property
    def need(self) -> int:
        """Calls that would be in flight if nothing held them."""
        return self.in_flight + self.waiting


def living(seats: Mapping[str, Seat], now: float) -> dict[str, Seat]:
    """Seats that are not void."""
    return {gateway: seat for gateway, seat in seats.items() if seat.until > now}


def fair_shares(slots: int, needs: Mapping[str, int], now: float) -> dict[str, int]:
    """Max-min fair shares of the slots: nobody gets more than it needs while another one gets less than an equal part.

    Args:
        slots: to be shared.
        needs: calls of each gateway.
        now: says whose turn it is for slots that do not divide evenly.
    """
    shares = dict.fromkeys(needs, 0)
    left, open_needs = slots, {gateway: need for gateway, need in needs.items() if need > 0}
    while open_needs:
        equal = left // len(open_needs)
        content = {gateway: need for gateway, need in open_needs.items() if need <= equal}
        if not content:
            turn = int(now // TURN_SECONDS)
            for place, gateway in enumerate(sorted(open_needs, key=lambda name: _lot(name, turn))):
                shares[gateway] = equal + (place < left % len(open_needs))
            break
        for gateway, need in content.items():
            shares[gateway] = need
            left -= need
            del open_needs[gateway]
    return shares


def _lot(gateway: str, turn: int) -> bytes:
    return hashlib.sha256(f"{turn}/{gateway}".encode()).digest()


def slots_for(gateway: str, seat: Seat, others: Mapping[str, Seat], slots: int, now: float) -> int:
    """How many slots a gateway holds from now on.

    Never fewer than its calls in flight where it held them, and never more than what the others leave. Beside its
    fair share it gets half of what nobody needs, so that its next calls find a slot at once.

    Args:
        gateway: who asks.
        seat: its seat, with what it holds and its calls as of now.
        others: living seats of all other gateways.
        slots: of the limit, as far as it is allowed at present.
        now: seconds.
    """
    free = max(0, slots - sum(other.holds for other in others.values()))
    needs = {name: other.need for name, other in others.items()} | {gateway: seat.need}
    fair = fair_shares(slots, needs, now)[gateway]
    if seat.need:
        fair += max(0, slots - sum(needs.values())) // 2
    kept = min(seat.in_flight, seat.holds)
    return max(kept, min(fair, free))
