"""How gateways share the slots of one limit."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.limits.shares import TURN_SECONDS, Seat, fair_shares, living, slots_for

NEEDS = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 40), min_size=1)


@given(slots=st.integers(0, 64), needs=NEEDS, now=st.floats(0, 1e9))
def test_shares_are_whole_fair_and_waste_nothing(slots: int, needs: dict[str, int], now: float) -> None:
    shares = fair_shares(slots, needs, now)
    assert sum(shares.values()) == min(slots, sum(needs.values()))
    for gateway, share in shares.items():
        assert 0 <= share <= needs[gateway]
        if share < needs[gateway]:
            assert all(other <= share + 1 for other in shares.values())


def test_equal_needs_get_equal_parts() -> None:
    assert fair_shares(8, {"a": 100, "b": 100}, 0.0) == {"a": 4, "b": 4}
    assert fair_shares(8, {"a": 1, "b": 100}, 0.0) == {"a": 1, "b": 7}


def test_a_single_slot_goes_round() -> None:
    had = {
        gateway
        for turn in range(30)
        for gateway, share in fair_shares(1, {"a": 5, "b": 5, "c": 5}, turn * TURN_SECONDS).items()
        if share
    }
    assert had == {"a", "b", "c"}


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 20), st.floats(0, 5)), max_size=60
)


@given(slots=st.integers(1, 16), steps=STEPS)
def test_never_more_is_held_than_there_is(slots: int, steps: list[tuple[str, int, int, float]]) -> None:
    seats: dict[str, Seat] = {}
    now = 0.0
    for gateway, in_flight, waiting, pause in steps:
        now += pause
        held = seats[gateway].holds if gateway in seats else 0
        seat = Seat(held, min(in_flight, held), waiting, until=now + 1e9)
        others = {name: other for name, other in living(seats, now).items() if name != gateway}
        seats[gateway] = Seat(slots_for(gateway, seat, others, slots, now), seat.in_flight, waiting, seat.until)
        assert sum(one.holds for one in seats.values()) <= slots
        assert seats[gateway].holds >= seat.in_flight


def test_a_newcomer_gets_its_part_as_soon_as_the_other_looks() -> None:
    a = Seat(8, 8, 20, 99.0)
    b = Seat(0, 0, 20, 99.0)
    b = Seat(slots_for("b", b, {"a": a}, 8, 0.0), 0, 20, 99.0)
    assert b.holds == 0
    a = Seat(slots_for("a", Seat(8, 3, 25, 99.0), {"b": b}, 8, 0.0), 3, 25, 99.0)
    assert a.holds == 4
    assert slots_for("b", b, {"a": a}, 8, 0.0) == 4


def test_who_is_alone_has_slots_for_its_next_calls_and_idle_it_has_none() -> None:
    assert slots_for("a", Seat(0, 0, 2), {}, 8, 0.0) == 5
    assert slots_for("a", Seat(5, 0, 0), {}, 8, 0.0) == 0
