"""No budget is overspent, whoever reserves, settles, dies or lifts it, and in whatever order."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from services.gateway.money.account import Standing, decide
from services.gateway.money.budgets import BudgetKey, BudgetScope, Part

AMOUNTS = st.integers(0, 1_000)


def test_the_first_in_line_is_served_first() -> None:
    # 4 fit; 9 may fit once the 5 in flight have cost less; nobody takes what is left away meanwhile.
    decision = decide(Standing(limit=20, spent=6, reserved=5), [4, 9, 1])
    assert (decision.granted, decision.refused) == ((0,), ())


def test_what_could_not_fit_if_all_in_flight_were_free_is_refused() -> None:
    decision = decide(Standing(limit=20, spent=6, reserved=5), [15, 4, 14, 1])
    assert (decision.granted, decision.refused) == ((1,), (0,))


def test_nothing_is_left_where_the_limit_was_lowered() -> None:
    assert decide(Standing(limit=5, spent=6, reserved=0), [1, 0]).refused == (0, 1)


@given(st.builds(Standing, AMOUNTS, AMOUNTS, AMOUNTS), st.lists(AMOUNTS))
def test_who_waits_waits_for_something(standing: Standing, asked: list[int]) -> None:
    decision = decide(standing, asked)
    granted = sum(asked[place] for place in decision.granted)
    assert granted <= max(0, standing.free)
    waiting = sorted(set(range(len(asked))) - {*decision.granted, *decision.refused})
    if waiting:
        assert standing.reserved + granted > 0  # in flight, or about to be
        assert asked[waiting[0]] <= standing.limit - standing.spent
    assert all(asked[place] > standing.limit - standing.spent - granted for place in decision.refused)


@given(AMOUNTS, st.lists(st.sampled_from("abc"), min_size=1), st.data())
def test_shares_add_up_and_none_is_more_than_was_reserved(most: int, payers: list[str], data: st.DataObject) -> None:
    cost = data.draw(st.integers(0, most))
    parts = [
        Part(
            BudgetKey("p", BudgetScope.INSERTION, "d", payer),
            tuple(share for share, other in enumerate(payers) if other == payer),
            len(payers),
        )
        for payer in set(payers)
    ]
    assert sum(part.of_cost(cost) for part in parts) == cost
    assert all(part.of_cost(cost) <= part.of_reservation(most) for part in parts)


@dataclass
class Gateway:
    """One gateway's calls, and how it thinks that the budget stands; others have changed it since."""

    known: Standing
    waiting: list[int] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)


class Budget(RuleBasedStateMachine):
    """What mongod keeps, and gateways that decide by what they knew a while ago."""

    gateways: Bundle[Gateway] = Bundle("gateways")

    @initialize(limit=AMOUNTS)
    def begins(self, limit: int) -> None:
        self.standing = Standing(limit, 0, 0)
        self.highest = limit
        self.truly_spent = 0

    @rule(target=gateways)
    def comes(self) -> Gateway:
        return Gateway(self.standing)

    @rule(gateway=gateways, amount=AMOUNTS)
    def asks(self, gateway: Gateway, amount: int) -> None:
        gateway.waiting.append(amount)

    @rule(gateway=gateways)
    def looks(self, gateway: Gateway) -> None:
        gateway.known = self.standing

    @rule(gateway=gateways)
    def writes(self, gateway: Gateway) -> None:
        decision = decide(gateway.known, gateway.waiting)
        granted = [gateway.waiting[place] for place in decision.granted]
        if not granted:
            return
        # As the condition of the write in till.py.
        if self.standing.spent + self.standing.reserved + sum(granted) <= self.standing.limit:
            self.standing = gateway.known = self.standing.changed(reserved=sum(granted))
            gateway.in_flight += granted
            gateway.waiting = [amount for place, amount in enumerate(gateway.waiting) if place not in decision.granted]

    @rule(gateway=gateways, share=st.floats(0, 1))
    def settles(self, gateway: Gateway, share: float) -> None:
        if gateway.in_flight:
            reserved = gateway.in_flight.pop(0)
            cost = int(share * reserved)
            self.truly_spent += cost
            self.standing = self.standing.changed(spent=cost, reserved=-reserved)

    @rule(gateway=consumes(gateways), billed=st.floats(0, 1))
    def dies(self, gateway: Gateway, billed: float) -> None:
        """All of what was in flight counts as spent; no more than that was billed."""
        lost = sum(gateway.in_flight)
        self.truly_spent += int(billed * lost)
        self.standing = self.standing.changed(spent=lost, reserved=-lost)

    @rule(limit=AMOUNTS)
    def is_set(self, limit: int) -> None:
        self.standing = Standing(limit, self.standing.spent, self.standing.reserved)
        self.highest = max(self.highest, limit)

    @invariant()
    def is_never_overspent(self) -> None:
        assert self.truly_spent <= self.standing.spent
        assert self.standing.reserved >= 0
        assert self.standing.spent + self.standing.reserved <= self.highest


TestBudget = Budget.TestCase
