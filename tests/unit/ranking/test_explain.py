"""A model's way through played logs."""

from functools import lru_cache

import pytest

from dearena.faults import UnknownInsertion
from dearena.ranking.decisions import Decision, DecisionKind, concerned
from dearena.ranking.explain import concerns, explain, readable
from dearena.ranking.rules import Rules
from dearena.ranking.why import why
from dearena.trials.arena import Arena, in_cohorts
from dearena.trials.world import Hostility, Planted


@lru_cache
def log_of(seed: int) -> tuple[Decision, ...]:
    """Waves of newcomers among inverted judges; then orders, a retirement and a refinement."""
    world = Planted.economy(seed, 9, 12, Hostility.parse("inverted:0.2"))
    arena = Arena(world, Rules(), in_cohorts(world.models, 5, 3))
    arena.run()
    judge = world.models[0]
    arena.order(DecisionKind.JUDGE_SUSPENDED, judge, "looks odd")
    arena.order(DecisionKind.JUDGE_REINSTATED, judge, "is well")
    arena.refine(60)
    arena.retire(world.models[1])
    arena.change(world.models[2], family="greek")
    arena.rest()
    return tuple(arena.log)


@pytest.mark.parametrize("seed", range(3))
def test_every_decision_has_its_words_and_every_way_is_whole(seed: int) -> None:
    log = log_of(seed)
    kinds = {decision.kind for decision in log}
    elsewhere = {DecisionKind.BUDGET_LIFTED, DecisionKind.INSERTION_HELD, DecisionKind.INSERTION_RESUMED}
    elsewhere |= {DecisionKind.COMPARISONS_ORDERED, DecisionKind.DIMENSION_REVISED}
    assert kinds == set(DecisionKind) - elsewhere
    for decision in log:
        assert all(why(decision, model) for model in ("", *concerned(decision)))
    for model in {one.model for one in log if one.kind is DecisionKind.ADMITTED}:
        told = explain(model, log)
        steps = {step.decision for step in told.steps}
        assert steps >= {one.number for one in log if model in concerned(one)}
        assert all(concerns(model, log[number - 1]) for number in steps)
        assert len(readable(told).splitlines()) == told.decisions + 2


def test_a_pair_is_seen_from_the_model_that_is_explained() -> None:
    log = log_of(0)
    ordered = next(one for one in log if one.kind is DecisionKind.STEPPED and not one.model)
    first = ordered.content["verdicts"][0]
    a, b = first["pair"]
    (seen_a,) = [pair for pair in explain(a, log).last_heard.values() if pair.opponent == b]
    (seen_b,) = [pair for pair in explain(b, log).last_heard.values() if pair.opponent == a]
    assert [seen_a.votes_for, seen_a.votes_against] == first["votes"] == [seen_b.votes_against, seen_b.votes_for]


def test_who_was_never_admitted_has_no_way() -> None:
    with pytest.raises(UnknownInsertion):
        explain("nobody@1", log_of(0))
