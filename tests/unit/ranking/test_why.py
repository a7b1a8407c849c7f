"""Decisions in a person's words."""

from dearena.ranking import decisions
from dearena.ranking.entrants import Change
from dearena.ranking.insertion import Coarse, Fine, Phase, Settled
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import ONE, PairVerdict
from dearena.ranking.why import why
from tests.unit.ranking.planted import entrant

NEWCOMER = "kappa@1"


def verdict(opponent: str, own: float, other: float) -> PairVerdict:
    pair = Pair.of(NEWCOMER, opponent)
    a, b = (own, other) if pair.model_a == NEWCOMER else (other, own)
    return PairVerdict(pair, round(a * ONE), round(b * ONE), round(a), round(b), others=3)


def step(before: Phase, after: Phase, *verdicts: PairVerdict) -> str:
    return why(decisions.stepped(1, 1, model=NEWCOMER, before=before, after=after, verdicts=verdicts))


def test_steps_of_the_binary_search() -> None:
    assert step(Coarse(0, 5), Coarse(0, 2), verdict("gamma@1", 83.5, 12.5)) == (
        "beats gamma@1 83.5 : 12.5, so it lies in places 1 to 3"
    )
    assert step(Coarse(0, 2), Coarse(2, 2), verdict("zeta@1", 1, 2)) == (
        "loses to zeta@1 1.0 : 2.0, so it lies at place 3"
    )
    assert step(Coarse(0, 2), Coarse(2, 2), verdict("zeta@1", 2, 2)) == (
        "cannot be told from zeta@1 2.0 : 2.0, so it lies at place 3"
    )
    assert step(Coarse(0, 2), Coarse(2, 2), verdict("zeta@1", 0, 0)) == (
        "has no vote for or against it beside zeta@1, so it lies at place 3"
    )
    assert step(Coarse(2, 2), Fine(2, 1, 0)) == "the binary search ends at place 3: its neighbours come next"


def test_steps_of_the_window() -> None:
    said = (verdict("gamma@1", 3, 1), verdict("zeta@1", 4, 1))
    assert step(Fine(2, 1, 0), Fine(1, 1, 1), *said) == (
        "beats gamma@1 3.0 : 1.0 and beats zeta@1 4.0 : 1.0, so it slides from place 3 to 2"
    )
    assert step(Fine(2, 1, 0), Settled(2, 0), verdict("zeta@1", 4, 1)) == (
        "beats zeta@1 4.0 : 1.0, so it rests at place 3"
    )
    assert step(Fine(2, 1, 8), Settled(1, 8), verdict("zeta@1", 4, 1)) == (
        "beats zeta@1 4.0 : 1.0, and has slid 8 times: it is given place 2"
    )
    assert step(Fine(0, 1, 0), Settled(0, 0)) == "has no neighbours at place 1"


def test_admission_rounds_and_settle() -> None:
    assert why(decisions.admitted(1, entrant(NEWCOMER), decisions.SEED, 0)) == "is admitted as a seed model"
    assert why(decisions.admitted(1, entrant(NEWCOMER), decisions.NEWCOMER, 5)) == (
        "is admitted: it lies in places 1 to 6, with 5 models ranked before it"
    )
    pairs = [Pair.of(NEWCOMER, "gamma@1"), Pair.of(NEWCOMER, "zeta@1")]
    opened = decisions.round_opened(
        1, 7, models=[NEWCOMER], pairs=pairs, judges=["a@1", "b@1"], weights={}, cells=1200, cells_digest=""
    )
    assert why(opened) == "round 7: 2 judges are asked for 1,200 cells, against gamma@1 and against zeta@1"
    closed = decisions.round_closed(2, 7, [NEWCOMER], {"A": 1100, "FLIP": 100}, settles=False)
    assert why(closed) == "round 7 is closed: A 1,100 · FLIP 100"
    settled = decisions.settled(3, 7, [NEWCOMER], ["a@1", NEWCOMER, "b@1"], "digest")
    assert why(settled) == "settles at rank 2 of 3 on board 7"


def test_the_seeding_is_told_to_each_seed_and_to_all() -> None:
    seeds = ["gamma@1", NEWCOMER, "zeta@1"]
    pairs = [Pair("gamma@1", NEWCOMER), Pair("gamma@1", "zeta@1"), Pair(NEWCOMER, "zeta@1")]
    opened = decisions.round_opened(
        1, 1, models=seeds, pairs=pairs, judges=seeds, weights={}, cells=12, cells_digest=""
    )
    assert why(opened, NEWCOMER) == "round 1: 3 judges are asked for 12 cells, 3 seed models each against each"
    ordered = decisions.seeds_ordered(2, 1, seeds, [verdict("gamma@1", 1, 2), verdict("zeta@1", 3, 2)])
    assert why(ordered, NEWCOMER) == "wins 1 of 2 pairs with the other seed models"
    assert why(ordered) == "the seed models by pairs won: gamma@1, kappa@1, zeta@1"
    settled = decisions.settled(3, 1, seeds, seeds, "digest")
    assert why(settled) == "on board 1: gamma@1, kappa@1, zeta@1"
    assert why(settled, "zeta@1") == "settles at rank 3 of 3 on board 1"


def test_rounds_without_cells_say_what_they_are_for() -> None:
    nothing = {"pairs": [], "judges": [], "weights": {}, "cells": 0, "cells_digest": ""}
    assert why(decisions.round_opened(1, 9, models=[], **nothing)) == (  # type: ignore[arg-type]
        "round 9 needs no cells: a board without those that have left"
    )
    assert why(decisions.round_opened(1, 9, models=[NEWCOMER], **nothing)) == (  # type: ignore[arg-type]
        "round 9 needs no cells: the votes there are decide"
    )
    assert why(decisions.round_closed(2, 9, [], {}, settles=True)) == "round 9 is closed: it had no cells"
    assert why(decisions.settled(3, 9, [], ["a@1"], "")) == "board 9 stands without those that have left"


def test_comings_and_goings() -> None:
    def told(reason: str, *, retired: bool = False, may_judge: bool = False) -> str:
        return why(decisions.changed(1, Change("a@1", retired=retired, may_judge=may_judge, reason=reason)))

    assert told("superseded by a@2", retired=True) == "leaves: superseded by a@2"
    assert told("it may not judge") == "judges no more: it may not judge"
    assert told("", may_judge=True) == "judges again"
