"""Gateways that share a limit, as far as they act without being told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.limits.breaker import Breaker, BreakerPolicy, BreakerState
from services.gateway.limits.pool import SHARE_SECONDS, Pool
from services.gateway.limits.shares import Seat
from services.gateway.limits.state import Limits, LimitState, Seen

POLICY = BreakerPolicy(failures=2, cool_down=5.0, longest_cool_down=20.0)
SUCCESS = Seen(alive=True, successes=1)


@dataclass
class World:
    """Some gateways, one limit, and a clock that the test moves."""

    limits: Limits
    gateways: int = 2
    now: float = 1000.0
    state: LimitState = field(default_factory=LimitState)
    pools: list[Pool] = field(default_factory=list)
    entered: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pools = [
            Pool("models/default/m", f"g{number}", self.limits, POLICY, seat_seconds=10.0)
            for number in range(self.gateways)
        ]

    def ask(self, pool: Pool, meanwhile: Callable[[], object] = lambda: None) -> None:
        pool.begin_telling(self.now)
        self.state, grant = pool.step(self.state, self.now)
        state = self.state
        meanwhile()
        pool.told(state, grant, asked=self.now, now=self.now)

    def enter(self, pool: Pool, tokens: float = 0.0) -> bool:
        """One of the calls that wait goes, if it may."""
        if not pool.waiting or pool.wait_for(tokens, self.now) > 0:
            return False
        pool.waiting -= 1
        pool.enter(tokens, self.now)
        self.entered.append(self.now)
        return True

    def enter_all(self, pool: Pool) -> int:
        entered = 0
        while self.enter(pool):
            entered += 1
        return entered

    def in_flight(self) -> int:
        return sum(pool.in_flight for pool in self.pools)


ACTIONS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["arrive", "enter", "leave", "ask", "ask late"]), st.floats(0, 2)),
    max_size=150,
)


@given(concurrency=st.integers(1, 6), actions=ACTIONS)
def test_never_more_are_in_flight_than_the_limit(concurrency: int, actions: list[tuple[int, str, float]]) -> None:
    world = World(Limits(concurrency), gateways=3)
    for number, action, pause in actions:
        world.now += pause
        pool = world.pools[number]
        match action:
            case "arrive":
                pool.waiting += 3
            case "enter":
                world.enter_all(pool)
            case "leave" if pool.in_flight:
                pool.leave(SUCCESS, world.now)
            case "ask":
                world.ask(pool)
            case "ask late":
                # Calls come and go while the answer of the store is on its way.
                world.ask(pool, meanwhile=lambda pool=pool: world.enter_all(pool))  # type: ignore[misc]
        for other in world.pools:  # seats in use are renewed in time
            if other.in_flight:
                world.ask(other)
        assert world.in_flight() <= concurrency


@given(per_minute=st.integers(1, 300), actions=ACTIONS)
def test_no_minute_sees_more_requests_than_allowed_but_for_what_was_taken_ahead(
    per_minute: int, actions: list[tuple[int, str, float]]
) -> None:
    world = World(Limits(0, requests_per_minute=per_minute), gateways=3)
    for number, action, pause in actions:
        world.now += pause
        pool = world.pools[number]
        match action:
            case "arrive":
                pool.waiting += 5
            case "leave" if pool.in_flight:
                pool.leave(SUCCESS, world.now)
            case _:
                world.ask(pool)
                world.enter_all(pool)
    ahead = len(world.pools) * max(1.0, per_minute * SHARE_SECONDS / 60)
    for begin in world.entered:
        assert sum(begin <= moment < begin + 60 for moment in world.entered) <= per_minute + ahead


def test_slots_that_are_being_given_back_are_out_of_use() -> None:
    world = World(Limits(2))
    [giver, taker] = world.pools
    giver.waiting = 2
    world.ask(giver)
    giver.waiting = 0  # who waited has left

    def others_come_before_the_store_has_answered() -> None:
        giver.waiting = taker.waiting = 2
        world.ask(taker)
        world.enter_all(taker)
        world.enter_all(giver)

    world.ask(giver, meanwhile=others_come_before_the_store_has_answered)
    assert world.in_flight() == 2


def test_what_was_not_sent_goes_back_to_the_share() -> None:
    world = World(Limits(8, requests_per_minute=12))  # a burst of one
    [pool, _] = world.pools
    pool.waiting = 1
    world.ask(pool)
    assert world.enter(pool)
    pool.leave(Seen(), world.now, unsent=True)
    pool.waiting = 1
    assert world.enter(pool)
    pool.leave(SUCCESS, world.now)
    pool.waiting = 1
    assert not world.enter(pool)


def test_where_calls_are_frequent_the_next_ones_are_provided_for() -> None:
    world = World(Limits(500, requests_per_minute=6000))
    [pool, _] = world.pools
    pool.waiting = 1
    world.ask(pool)
    pool.waiting = 100
    assert world.enter_all(pool) == 100
    pool.waiting = 0
    world.now += 2
    world.ask(pool)
    assert pool.wait_for(0.0, world.now) == 0


def test_all_calls_of_all_gateways_go_in_the_end() -> None:
    world = World(Limits(1), gateways=3)
    for pool in world.pools:
        pool.waiting = 4
    for _ in range(200):
        world.now += 0.5
        for pool in world.pools:
            world.ask(pool)
            if world.enter(pool):
                assert world.in_flight() == 1
                pool.leave(SUCCESS, world.now)
    assert [pool.waiting for pool in world.pools] == [0, 0, 0]


def test_once_it_has_its_share_a_gateway_asks_nobody() -> None:
    world = World(Limits(64, requests_per_minute=60_000, tokens_per_minute=6_000_000))
    [pool, _] = world.pools
    pool.waiting = 1
    pool.want_tokens(100.0)
    world.ask(pool)
    for _ in range(500):
        pool.waiting += not pool.waiting
        assert world.enter(pool, tokens=100.0)
        pool.leave(SUCCESS, world.now)


def test_what_an_idle_gateway_has_goes_back() -> None:
    world = World(Limits(4, requests_per_minute=12))
    [idle, busy] = world.pools
    idle.waiting = 1
    world.ask(idle)
    idle.waiting = 0  # who waited has left
    world.ask(idle)
    assert world.state.seats == {}
    busy.waiting = 4
    world.ask(busy)
    assert world.enter_all(busy) == 1  # a burst is a twelfth of a minute's worth


def test_a_seat_that_was_not_renewed_is_void() -> None:
    world = World(Limits(2))
    [dead, alive] = world.pools
    dead.waiting = 2
    world.ask(dead)
    alive.waiting = 2
    world.ask(alive)
    assert world.enter_all(alive) == 0
    world.now += 10.1
    assert dead.wait_for(0.0, world.now) > 0
    world.ask(alive)
    assert world.enter_all(alive) == 2


def test_the_true_usage_corrects_what_was_estimated() -> None:
    world = World(Limits(8, tokens_per_minute=1200))  # a burst of 100
    [pool, _] = world.pools
    pool.waiting, tokens = 1, 50.0
    pool.want_tokens(tokens)
    world.ask(pool)
    assert world.enter(pool, tokens)
    pool.leave(SUCCESS, world.now, tokens=400.0)
    pool.waiting = 1
    world.ask(pool)
    assert not world.enter(pool, tokens)  # in debt
    world.now += 30
    world.ask(pool)
    assert world.enter(pool, tokens)


def test_patience_that_one_gateway_is_asked_for_all_have() -> None:
    world = World(Limits(8))
    for pool in world.pools:
        pool.waiting = 2
        world.ask(pool)
    [told, other] = world.pools
    assert world.enter(told)
    told.leave(Seen(alive=True, held_until=world.now + 30, refused_sent_at=world.now), world.now)
    assert told.must_tell()
    assert told.wait_for(0.0, world.now) == 30
    world.ask(told)
    world.ask(other)
    assert other.wait_for(0.0, world.now) == 30
    assert world.state.slots(world.limits) == 4


def broken(world: World) -> None:
    """All gateways have calls that wait, and the breaker has just opened."""
    for pool in world.pools:
        pool.waiting = 5
        pool.want_probe(10.0)
        world.ask(pool)
    [first, *_] = world.pools
    for _ in range(POLICY.failures):
        assert world.enter(first)
        first.leave(Seen(failures=1), world.now)
    assert first.must_tell()
    for pool in world.pools:
        world.ask(pool)


def test_one_gateway_probes_for_all_and_a_success_lets_all_go_on() -> None:
    world = World(Limits(8))
    broken(world)
    assert [pool.wait_for(0.0, world.now) for pool in world.pools] == [5.0, 5.0]
    world.now += 5
    for pool in world.pools:
        world.ask(pool)
    assert [world.enter_all(pool) for pool in world.pools] == [1, 0]
    [prober, other] = world.pools
    prober.leave(Seen(probed=True, probe_alive=True), world.now)
    world.ask(prober)
    world.ask(other)
    assert not other.probe_failed_elsewhere
    assert world.enter_all(prober) + world.enter_all(other) == 7


def test_who_has_no_slot_does_not_probe() -> None:
    half_open = LimitState(breaker=Breaker(cool_down=5.0, open_until=990.0))
    world = World(Limits(1), state=half_open)
    [holder, other] = world.pools
    for pool in world.pools:
        pool.waiting = 1
        pool.want_probe(10.0)
    world.ask(holder)
    prober = world.state.breaker.prober
    assert prober == holder.gateway
    world.state = replace(world.state, breaker=half_open.breaker)
    world.ask(other)
    assert world.state.breaker.prober == ""


def test_a_probe_that_fails_is_heard_of_elsewhere_by_those_who_listened() -> None:
    world = World(Limits(8))
    broken(world)
    world.now += 5
    for pool in world.pools:
        world.ask(pool)
    [prober, other] = world.pools
    assert world.enter(prober)
    prober.leave(Seen(probed=True, probe_alive=False), world.now)
    world.ask(prober)
    world.ask(other)
    assert other.probe_failed_elsewhere
    assert not prober.probe_failed_elsewhere
    assert other.wait_for(0.0, world.now) == 10.0
    newcomer = Pool("models/default/m", "g9", world.limits, POLICY, seat_seconds=10.0)
    newcomer.waiting = 1
    world.ask(newcomer)
    assert not newcomer.probe_failed_elsewhere
    assert newcomer.state.breaker.state(world.now) is BreakerState.OPEN


def test_news_that_the_store_did_not_take_is_told_next_time() -> None:
    world = World(Limits(8))
    [pool, _] = world.pools
    pool.waiting = 1
    world.ask(pool)
    assert world.enter(pool)
    pool.leave(Seen(failures=1), world.now)
    pool.begin_telling(world.now)
    pool.step(world.state, world.now)
    pool.not_told()
    world.ask(pool)
    assert world.state.breaker.failures == 1


@pytest.mark.parametrize("alive", [True, False])
def test_failures_in_a_row_are_those_after_the_last_life(*, alive: bool) -> None:
    seen = Seen(failures=3).then(Seen(alive=alive)).then(Seen(failures=2))
    assert seen.failures == (2 if alive else 5)


def test_a_seat_needs_what_it_has_and_what_waits() -> None:
    assert Seat(4, 1, 2).need == 3
