"""A selection's job: what comes next, and that nothing is lost between a document and a job."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query_selector.jobs import (
    MOST_CELLS_AN_ORDER,
    Figures,
    Growth,
    Job,
    Stage,
    affordable,
    cells_of,
    document_of,
    drawn_models,
    failed,
    first_job,
    first_look,
    grown_to,
    job_of,
    least_part,
    manned,
    missing_models,
    noted,
    pairs_of,
    plan_of,
    resumed,
    seeding_cap,
    too_few_calls,
    without,
)
from services.query_selector.pilot_steps import Do, Seen, Step, before_pilot, next_step
from services.query_selector.ranking_settings import Money

MOMENT = datetime(2030, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
NEW = Job("p", "d", 1, "pool", "telling", 8, 2**64 - 1, 2, created_at=MOMENT, updated_at=MOMENT)
SLUGS = ("a", "b", "c", "d")
PILOTING = replace(manned(NEW, SLUGS, 60), pilots=("d-pilot-1",))
RANKED = tuple(f"{slug}@1" for slug in SLUGS)

names = st.text("abc-", min_size=1, max_size=4)
money = st.builds(Money, st.sampled_from(["USD", "EUR"]), st.integers(1, 2**62))
jobs = st.builds(
    Job,
    project=names,
    dimension=names,
    dimension_version=st.integers(1, 9),
    pool_id=names,
    method=st.just("telling"),
    k=st.integers(1, 99),
    seed=st.integers(0, 2**64 - 1),
    seats=st.integers(1, 2),
    wished_models=st.lists(names, max_size=4).map(tuple),
    budget=st.none() | money,
    budget_set=st.none() | money,
    stage=st.sampled_from(Stage),
    models=st.lists(names, max_size=4).map(tuple),
    pilots=st.lists(names, max_size=2).map(tuple),
    grown=st.lists(
        st.builds(Growth, names, st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), names, st.just(MOMENT)),
        max_size=2,
    ).map(tuple),
    seeded=st.none() | st.integers(1, 9),
    failing=st.dictionaries(names, st.just(MOMENT), max_size=2),
    given=st.lists(st.integers(1, 9), max_size=4).map(tuple),
    figures=st.builds(Figures, spent=st.dictionaries(st.sampled_from(["USD", "EUR"]), st.integers(1, 2**62))),
    created_at=st.just(MOMENT),
)


@given(jobs)
def test_a_job_comes_back_from_its_document(job: Job) -> None:
    document = document_of(job)

    assert job_of(document) == job
    assert document["open"] == (job.stage not in (Stage.DONE, Stage.FAILED))


def test_the_first_job_holds_what_the_dimension_asks_for() -> None:
    dimension: dict[str, Any] = {
        "project": "p",
        "slug": "d",
        "version": 1,
        "pool_id": "pool",
        "created_at": MOMENT,
        "ranking": {"seats": "SINGLE"},
        "selection": {
            "method": "telling",
            "k": 8,
            "seed": str(2**64 - 1),
            "pilot": {
                "models": ["b", "a", "c"],
                "calls": 900,
                "budget": {"currency": "USD", "nano_units": 5},
                "queries": 30,
            },
        },
    }

    job = job_of(first_job(dimension))

    assert job == replace(
        NEW,
        seats=1,
        wished_models=("b", "a", "c"),
        most_judge_calls=900,
        budget=Money("USD", 5),
        piloted_queries=30,
    )


def test_models_are_drawn_by_the_seed_whatever_their_order() -> None:
    entering = [f"m{n:02}" for n in range(30)]

    found = drawn_models(NEW, entering)

    assert len(found) == 10
    assert found == drawn_models(NEW, entering[::-1])
    assert found != drawn_models(replace(NEW, seed=1), entering)


def test_two_models_make_no_pilot() -> None:
    assert drawn_models(NEW, ["a", "b"]) == ()
    assert missing_models(NEW, ["a", "b"]) == "a pilot takes at least 3 models that may enter; registered: 2"


def test_few_calls_make_a_pilot_of_few_models() -> None:
    entering = [f"m{n:02}" for n in range(30)]

    # Four cells a pair in both seats, and as much again to be ordered.
    assert len(drawn_models(replace(NEW, most_judge_calls=45 * 16), entering)) == 10
    assert len(drawn_models(replace(NEW, most_judge_calls=45 * 16 - 1), entering)) == 9
    assert len(drawn_models(replace(NEW, most_judge_calls=1), entering)) == 3


def test_models_that_are_wished_are_waited_for() -> None:
    wishing = replace(NEW, wished_models=("c", "a", "b"))

    assert drawn_models(wishing, ["a", "b", "x", "y"]) == ()
    assert missing_models(wishing, ["a", "b"]).endswith("may not enter: c")
    assert drawn_models(wishing, ["a", "b", "c", "x"]) == ("a", "b", "c")


@given(st.integers(3, 10), st.integers(1, 5_000), st.integers(0, 100_000), st.integers(1, 2), st.integers(1, 90_000))
def test_a_pilot_keeps_within_its_calls(models: int, k: int, calls: int, seats: int, pool: int) -> None:
    asked = replace(NEW, k=min(k, pool), most_judge_calls=calls, seats=seats)

    job = manned(asked, [f"m{n}" for n in range(models)], pool)
    plan = plan_of(job, models)

    assert calls in (job.most_judge_calls, 0)
    assert plan.budget * seats <= max(job.most_judge_calls, seats)
    assert first_look(models) <= plan.batch <= MOST_CELLS_AN_ORDER
    assert 1 <= plan.queries <= pool
    # Half of the cells are left, where the jury's least cap lets that be.
    assert seeding_cap(job) == 4 or seeding_cap(job) * pairs_of(models) <= cells_of(job) / 2


def test_a_budget_is_set_before_the_pilot_is_opened_and_when_it_is_another() -> None:
    job = replace(manned(NEW, SLUGS, 60), budget=Money("USD", 5))

    assert before_pilot(job) == Step(Do.CREATE_PILOT)
    made = replace(job, pilots=("d-pilot-1",))
    assert before_pilot(made) == Step(Do.SET_BUDGET)
    told = replace(made, budget_set=Money("USD", 5))
    assert before_pilot(told) == Step(Do.OPEN_PILOT)
    opened = replace(told, opened=1)
    assert before_pilot(opened) is None
    assert before_pilot(resumed(opened, 0, Money("USD", 9))) == Step(Do.SET_BUDGET)
    assert before_pilot(replace(made, budget=None)) == Step(Do.OPEN_PILOT)


def test_models_that_are_not_ranked_are_waited_for_in_the_rankers_words() -> None:
    step = next_step(PILOTING, Seen(ranked=RANKED[:3], waiting_reason="WAITING(d has no answers)"))

    assert (step.do, step.reason) == (Do.WAIT, "the pilot waits: WAITING(d has no answers)")
    assert next_step(PILOTING, Seen(ranked=RANKED[:3])).reason == ""


def test_a_model_that_is_retired_before_it_is_ranked_ends_the_pilot() -> None:
    step = next_step(PILOTING, Seen(ranked=RANKED[:3], gone=("d",)))

    assert step == Step(Do.FAIL, "retired before it was ranked in the pilot: d", ("d",))
    assert next_step(PILOTING, Seen(ranked=RANKED, gone=("d",))).do is Do.ORDER


def test_an_order_is_given_then_awaited_then_followed() -> None:
    begun = replace(PILOTING, seeded=1, orders=2, given=(7,))
    given = replace(begun, given=(7, 9))

    assert next_step(begun, Seen(ranked=RANKED, orders_done=7)).do is Do.GIVE_ORDER
    assert next_step(given, Seen(ranked=RANKED, orders_done=8)).do is Do.WAIT
    assert next_step(given, Seen(ranked=RANKED, orders_done=9)).do is Do.ORDER


@pytest.mark.parametrize("why", ["stopping", "exhausted", "deserted"])
def test_nothing_is_chosen_on_nothing(why: str) -> None:
    job = replace(PILOTING, seeded=1, stopping=why == "stopping")
    seen = Seen(ranked=RANKED[:2] if why == "deserted" else RANKED, exhausted=why == "exhausted")

    little = next_step(replace(job, figures=Figures(heard_queries=7)), seen)
    enough = next_step(replace(job, figures=Figures(heard_queries=8)), seen)

    assert little.do is Do.FAIL
    assert little.reason.endswith("with votes on 7 queries only; 8 are to be chosen")
    assert enough.do is Do.CHOOSE


def test_what_failed_goes_on_where_it_stood() -> None:
    job = failed(replace(PILOTING, seeded=1, orders=1, given=(7,), stopping=True), "the pilot's budget is exhausted")

    going = resumed(job, 5_000, None)

    assert (job.is_over, going.is_over) == (True, False)
    assert going == replace(job, stage=Stage.PILOTING, failure="", most_judge_calls=5_000)
    assert resumed(failed(NEW, "x"), 0, None).stage is Stage.WAITING_FOR_MODELS


def test_who_was_told_to_stop_and_has_not_come_to_it_goes_on() -> None:
    for job in (NEW, PILOTING):
        assert resumed(replace(job, stopping=True), 0, None) == job
    choosing = replace(PILOTING, stage=Stage.CHOOSING, stopping=True)
    assert resumed(choosing, 0, None) == choosing


def test_another_pilot_is_made_where_a_model_was_lost() -> None:
    wishing = replace(PILOTING, wished_models=SLUGS, budget=Money("USD", 5), budget_set=Money("USD", 5))

    going = resumed(failed(wishing, "d is retired", ["d"]), 0, None)

    assert going.stage is Stage.WAITING_FOR_MODELS
    assert drawn_models(going, SLUGS) == ("a", "b", "c")
    again = manned(going, ("a", "b", "c"), 60)
    assert before_pilot(again) == Step(Do.CREATE_PILOT)
    another = replace(again, pilots=("d-pilot-1", "d-pilot-2"))
    assert before_pilot(another) == Step(Do.SET_BUDGET)
    assert (again.attempt, again.pilots) == (2, ("d-pilot-1",))


def test_calls_that_do_not_rank_the_models_are_told() -> None:
    job = replace(NEW, most_judge_calls=47)

    assert too_few_calls(job, SLUGS) == "47 judge calls do not rank 4 models; that takes at least 48"
    assert too_few_calls(replace(job, most_judge_calls=48), SLUGS) == ""
    assert too_few_calls(NEW, SLUGS) == ""


def test_a_pilot_is_heard_while_it_is_piloted_with_and_by_the_newest_only() -> None:
    two = replace(PILOTING, pilots=("d-pilot-1", "d-pilot-2"), attempt=2)
    assert PILOTING.hears("d-pilot-1")
    assert [two.hears(slug) for slug in ("d-pilot-1", "d-pilot-2", "d-pilot-3")] == [False, True, True]
    over = (
        replace(PILOTING, stopping=True),
        replace(PILOTING, stage=Stage.CHOOSING),
        replace(PILOTING, stage=Stage.DONE),
        failed(PILOTING, "why"),
        # The next one is not made yet.
        failed(PILOTING, "why", ["a"]),
        resumed(failed(PILOTING, "why", ["a"]), 0, None),
    )
    assert not any(job.hears("d-pilot-1") for job in over)
    assert resumed(failed(PILOTING, "why"), 0, None).hears("d-pilot-1")


def test_a_model_that_failed_counts_from_the_first_time_until_it_is_ready() -> None:
    later = MOMENT + timedelta(seconds=9)
    failing = noted(PILOTING, ["d"], ["a"], MOMENT)
    assert failing.failing == {"d": MOMENT}
    # Asked again, it neither fails nor is ready.
    assert noted(failing, [], ["a"], later) == failing
    assert noted(failing, ["c", "d"], ["a"], later).failing == {"c": later, "d": MOMENT}
    assert noted(failing, [], ["a", "d"], later) == PILOTING
    assert resumed(failed(failing, "x"), 0, None).failing == {}


def test_a_pilot_goes_on_without_who_fails_while_enough_are_left() -> None:
    failing = Seen(ranked=RANKED[:3], failing={"d": "TIMEOUT"})
    assert next_step(PILOTING, failing) == Step(Do.WAIT, "the pilot waits; fails to answer: d (TIMEOUT)")
    given_up = replace(failing, given_up=("d",))
    step = next_step(PILOTING, given_up)
    assert step == Step(Do.GO_ON_WITHOUT, "failed to answer the pilot: d (TIMEOUT)", ("d",))
    three = replace(PILOTING, models=("a", "b", "d"))
    assert next_step(three, replace(given_up, ranked=RANKED[:2])).do is Do.FAIL
    # Who is ranked already is given up by nobody.
    assert next_step(PILOTING, replace(given_up, ranked=RANKED)).do is Do.ORDER

    going = without(replace(PILOTING, budget=Money("USD", 5), budget_set=Money("USD", 5), opened=1), step.lost)
    assert (going.models, going.stage) == (("a", "b", "c"), Stage.PILOTING)
    assert before_pilot(going) == Step(Do.CREATE_PILOT)
    assert not going.hears("d-pilot-1")


def test_a_pilot_begins_with_a_part_and_keeps_to_what_was_asked_for() -> None:
    free, held, small = (
        manned(replace(NEW, piloted_queries=wished), SLUGS, pool) for wished, pool in ((0, 500), (80, 500), (0, 60))
    )

    assert (free.piloted_queries, free.most_queries) == (48, 500)
    assert (held.piloted_queries, held.most_queries) == (48, 80)
    assert (small.piloted_queries, small.most_queries) == (60, 60)
    # What a look at 12 for each of k takes, as far as there are so many.
    assert [job.most_judge_calls for job in (free, held, small)] == [2 * 8 * 96, 2 * 8 * 80, 2 * 8 * 60]
    # With other models it goes on where it was.
    again = manned(replace(free, piloted_queries=72, models=()), SLUGS[:3], 500)
    assert (again.piloted_queries, again.most_queries) == (72, 500)


GREW = grown_to(
    replace(manned(NEW, SLUGS, 500), pilots=("d-pilot-1",), opened=1, seeded=3, orders=2, given=(5, 6)),
    SLUGS,
    96,
    3,
    700,
    "it pays",
    MOMENT,
)


def test_a_pilot_that_grows_is_followed_by_one_for_the_next_part() -> None:
    assert GREW.grown == (Growth("d-pilot-1", 48, 3, 700, "it pays", MOMENT),)
    assert (GREW.part_begins, GREW.part, GREW.piloted_queries) == (48, 48, 96)
    assert before_pilot(GREW) == Step(Do.CREATE_PILOT)
    assert not GREW.hears("d-pilot-1")
    assert GREW.heard_pilots == ("d-pilot-1",)
    made = replace(GREW, pilots=("d-pilot-1", "d-pilot-2"), opened=2)
    assert (made.hears("d-pilot-1"), made.hears("d-pilot-2")) == (False, True)
    assert made.heard_pilots == ("d-pilot-1", "d-pilot-2")
    # The ranker numbers the new pilot's orders anew.
    assert (made.order_given, made.orders, made.given) == (0, 3, (5, 6, 0))
    assert next_step(made, Seen(ranked=RANKED[:2])).do is Do.WAIT
    assert next_step(made, Seen(ranked=RANKED)).do is Do.ORDER
    # One that lost a model is followed by another for the same part.
    lost = replace(without(made, ["d"]), pilots=("d-pilot-1", "d-pilot-2", "d-pilot-3"))
    assert (lost.part_begins, lost.piloted_queries) == (48, 96)
    assert lost.heard_pilots == ("d-pilot-1", "d-pilot-3")


def test_who_has_left_is_not_waited_for_in_the_next_part() -> None:
    made = replace(manned(NEW, SLUGS, 500), pilots=("d-pilot-1",), opened=1, seeded=3)
    grew = grown_to(made, {"a", "b", "c", "not asked"}, 96, 3, 700, "it pays", MOMENT)

    assert grew.models == ("a", "b", "c")
    opened = replace(grew, pilots=("d-pilot-1", "d-pilot-2"), opened=2)
    assert next_step(opened, Seen(ranked=RANKED[:3], gone=("d",))) == Step(Do.ORDER)


def test_a_further_part_that_comes_to_nothing_leaves_what_was_heard() -> None:
    made = replace(GREW, pilots=("d-pilot-1", "d-pilot-2"), opened=2)
    gone = Seen(ranked=RANKED[:3], gone=("d",))

    assert next_step(replace(made, figures=Figures(heard_queries=48)), gone).do is Do.CHOOSE
    little = next_step(replace(made, figures=Figures(heard_queries=7)), gone)
    assert (little.do, little.lost) == (Do.FAIL, ("d",))


def test_models_are_ranked_again_by_a_first_look_at_the_new_part() -> None:
    small = replace(GREW, piloted_queries=48 + least_part(len(SLUGS)))

    assert seeding_cap(GREW) == min(first_look(4) * 48 // pairs_of(4), 40)
    assert seeding_cap(small) == 4
    assert least_part(10) == 9


def test_money_that_is_left_pays_cells_as_dear_as_those_before() -> None:
    job = replace(PILOTING, budget=Money("USD", 1_000))

    assert affordable(job, {"USD": 600, "EUR": 9}, 300) == 200
    assert affordable(job, {"USD": 1_200}, 300) == 0
    assert affordable(job, {"EUR": 9}, 300) == cells_of(job)
    assert affordable(PILOTING, {"USD": 600}, 300) == cells_of(PILOTING)
