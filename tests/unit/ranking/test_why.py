"""Decisions in a person's words."""

from dataclasses import replace

from dearena.ranking import decisions
from dearena.ranking.entrants import Change
from dearena.ranking.insertion import Coarse, Fine, Phase, Settled
from dearena.ranking.orders import Order
from dearena.ranking.pairs import Pair
from dearena.ranking.standing import Standing
from dearena.ranking.verdict import ONE, PairVerdict
from dearena.ranking.why import why

NEWCOMER = "kappa@1"


def verdict(opponent: str, own: float, other: float) -> PairVerdict:
    pair = Pair.of(NEWCOMER, opponent)
    a, b = (own, other) if pair.model_a == NEWCOMER else (other, own)
    return PairVerdict(pair, round(a * ONE), round(b * ONE), round(a), round(b), others=3)


def heard(opponent: str, own: int, other: int, sign: int = 0) -> PairVerdict:
    """Of a jury that stops; `sign` is the newcomer's."""
    plain = verdict(opponent, own, other)
    preferred = sign if plain.pair.model_a == NEWCOMER else -sign
    return replace(plain, decided=sign != 0, preferred=preferred, error=0.05, queries=12)


STANDING = Standing(0.5, 0.2, 2, 1, 4, 2, 3)


def step(before: Phase, after: Phase, *verdicts: PairVerdict, **given: bool) -> str:
    told = decisions.stepped(
        1, 1, model=NEWCOMER, before=before, after=after, verdicts=verdicts, standing=STANDING, **given
    )
    return why(told)


def test_a_jury_that_hears_all_tells_weights() -> None:
    assert step(Coarse(0, 5), Coarse(0, 2), verdict("gamma@1", 83.5, 12.5)) == (
        "beats gamma@1 83.5 : 12.5, so it lies in places 1 to 3"
    )
    assert step(Coarse(0, 2), Coarse(2, 2), verdict("zeta@1", 0, 0)) == (
        "has no vote for or against it beside zeta@1, so it lies at place 3"
    )


def test_a_jury_that_stops_tells_whether_it_has_decided() -> None:
    assert step(Coarse(0, 2), Coarse(2, 2), heard("gamma@1", 3, 9, -1)) == (
        "loses to gamma@1 3 : 9 on 12 queries, decided at 5 %, so it lies at place 3"
    )
    assert step(Coarse(0, 2), Coarse(2, 2), heard("zeta@1", 5, 6)) == (
        "cannot be told from zeta@1 5 : 6 on 12 queries; goes by the estimate: it lies at place 3"
    )


def test_steps_of_the_window() -> None:
    neighbour = heard("gamma@1", 9, 3, 1)
    said = "beats gamma@1 9 : 3 on 12 queries, decided at 5 %, so it "
    assert step(Coarse(2, 2), Fine(2, 1, 0)) == "the binary search ends at place 3: its neighbours come next"
    assert step(Coarse(2, 2), Fine(2, 4, 0, survey=True)).endswith("looks at 4 neighbours on each side, 6 votes each")
    assert step(Fine(2, 1, 0), Fine(1, 1, 1), neighbour) == (
        said + "stands at place 2 by all its votes, and slides there from 3"
    )
    assert step(Fine(2, 1, 0), Fine(2, 2, 0), neighbour) == (
        said + "stands at place 3, and its targets are not met: looks at 2 neighbours on each side"
    )
    assert step(Fine(2, 1, 0), Settled(2, 0), neighbour) == said + "rests at place 3 (95 % between 2 and 5)"
    assert "with the votes there are" in step(Coarse(0, 5), Settled(2, 0), ended_early=True)
    assert step(Fine(0, 1, 0), Settled(0, 0)) == "has no neighbours at place 1"
    assert "nobody could take their place" in step(Fine(2, 1, 0), Settled(2, 0), neighbour, provisional=True)


def test_a_place_outside_of_the_window_is_told_by_its_cause() -> None:
    neighbour = heard("gamma@1", 9, 3, 1)
    said = "beats gamma@1 9 : 3 on 12 queries, decided at 5 %, so it "
    # It has never slid: what it stands off by is less than strengths are known to.
    assert step(Fine(2, 1, 0), Settled(4, 0), neighbour) == (
        said
        + "stands at place 5 (95 % between 2 and 5) by all its votes, near enough to its window at place 3, and rests"
    )
    assert step(Fine(2, 1, 8), Settled(4, 8), neighbour) == (
        said + "has slid 8 times and is given place 5 (95 % between 2 and 5), where it stands by all its votes"
    )
    assert step(Fine(2, 3, 8), Settled(4, 8), neighbour) == said + "rests at place 5 (95 % between 2 and 5)"
    assert "used up" in step(Fine(2, 1, 0), Settled(4, 0), neighbour, ended_early=True)


def test_a_settle_says_how_sure_it_is() -> None:
    told = decisions.settled(
        3, 7, [NEWCOMER], ["a@1", NEWCOMER, "b@1"], "", sure={NEWCOMER: (1, 3)}, provisional=[NEWCOMER]
    )
    assert why(told) == (
        "settles at rank 2 of 3, 95 % between 1 and 3, on board 7; "
        "provisional, since judges failed or left and nobody could take their place"
    )


def test_a_lift_names_the_budget_and_the_round_that_goes_on() -> None:
    (told,) = decisions.budgets_lifted(4, 7, [NEWCOMER], ["insertion of kappa in algebra"])
    assert (told.number, told.model, told.round) == (4, NEWCOMER, 7)
    assert why(told) == "the budget of insertion of kappa in algebra is lifted: round 7 goes on"


def test_comings_and_goings() -> None:
    assert why(decisions.suspended(1, 1, "a@1", "is inverted")) == "is suspended as a judge by a rule: is inverted"
    assert why(decisions.ordered(1, Order(1, "JUDGE_REINSTATED", "a@1", "mended"))) == (
        "is reinstated as a judge by an operator: mended"
    )
    assert why(decisions.ordered(1, Order(1, "REFINEMENT_ORDERED", calls=2000))) == (
        "an operator orders 2,000 more judge calls on the whole board"
    )
    left = Change("a@1", retired=True, may_judge=False, reason="superseded by a@2")
    assert why(decisions.changed(1, left)) == "leaves: superseded by a@2"
    assert why(decisions.changed(1, Change("a@1", retired=False, may_judge=True, reason=""))) == "judges again"
