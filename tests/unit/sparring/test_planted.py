"""The planted world: what its lots come to, and what its replies depend on."""

from collections import Counter
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import spearmanr

from dearena.canaries import truncated
from dearena.sparring.calls import Call, Completed, Purpose, Refused
from dearena.sparring.planted import (
    TRUNCATION_COST,
    Character,
    PlantedWorld,
    family_of,
    query_effect,
    sharpness,
    skill,
    truth,
)
from dearena.sparring.reading import Seat
from tests.unit.sparring.prompts import judging_prompt

WORLD = PlantedWorld(seed=0)
QUERIES = [f"q{number}" for number in range(40)]
MODELS = [f"model-{number}" for number in range(12)]


def answer(world: PlantedWorld, model: str, query: str) -> str:
    reply = world.reply(Call(model, (f"Tell me about {query}.",), query, Purpose.ANSWER))
    assert isinstance(reply, Completed)
    return reply.text


def judged(world: PlantedWorld, judge: str, query: str, first: str, second: str, **wording: str) -> str:
    """The last line of the judge's reply."""
    reply = world.reply(Call(judge, (judging_prompt(first, second, **wording),), query, Purpose.JUDGE))
    assert isinstance(reply, Completed)
    return reply.text.splitlines()[-1]


def cells(world: PlantedWorld) -> list[tuple[str, str, str, str]]:
    """Judge, query and two answers: some thousands of them."""
    return [
        (judge, query, answer(world, one, query), answer(world, other, query))
        for query in QUERIES
        for judge, one, other in [
            (MODELS[j], MODELS[a], MODELS[b]) for j in range(6) for a in range(6, 12) for b in range(6, a)
        ]
    ]


def both_seats(world: PlantedWorld, cell: tuple[str, str, str, str]) -> tuple[Seat, Seat]:
    judge, query, first, second = cell
    return world.verdict(judge, query, first, second), world.verdict(judge, query, second, first)


# What is planted


def test_skills_are_standard_normal_over_slugs() -> None:
    skills = np.array(list(truth(0, (f"slug-{number}" for number in range(5_000))).values()))
    assert skills.mean() == pytest.approx(0, abs=0.05)
    assert skills.std() == pytest.approx(1, abs=0.04)
    other = np.array(list(truth(1, (f"slug-{number}" for number in range(5_000))).values()))
    assert np.corrcoef(skills, other)[0, 1] == pytest.approx(0, abs=0.05)


def test_query_effects_have_their_deviation_and_do_not_follow_skill() -> None:
    slugs = [f"slug-{number}" for number in range(100)]
    effects = np.array([[query_effect(0, slug, query) for query in QUERIES] for slug in slugs])
    assert effects.mean() == pytest.approx(0, abs=0.05)
    assert effects.std() == pytest.approx(0.8, abs=0.04)
    assert effects.mean(axis=1).std() == pytest.approx(0.8 / np.sqrt(len(QUERIES)), rel=0.25)


def test_sharpness_rises_with_skill_and_has_a_floor() -> None:
    slugs = [f"slug-{number}" for number in range(5_000)]
    theta, sharp = np.array([(skill(0, slug), sharpness(0, slug)) for slug in slugs]).T
    assert sharp.min() == pytest.approx(1.6 * 0.05)
    free = sharp > sharp.min()
    slope, intercept = np.polyfit(theta[theta > 0], sharp[theta > 0], 1)
    assert slope == pytest.approx(1.6 * 0.35, abs=0.05)
    assert intercept == pytest.approx(1.6 * 0.7, abs=0.05)
    assert (sharp - 1.6 * (0.7 + 0.35 * theta))[free & (theta > 0)].std() == pytest.approx(1.6 * 0.25, abs=0.02)


def test_a_world_does_not_change_between_releases() -> None:
    assert truth(0, ["alpha", "beta"]) == {
        "alpha": pytest.approx(-0.555944804772705),
        "beta": pytest.approx(-0.4504168036288),
    }
    assert answer(WORLD, "alpha", "q1").endswith("(note-muk6mqzdt272rtkoasuuksi)")
    assert "".join(WORLD.verdict(*cell) for cell in cells(WORLD)[:40]) == "1122221211111111121221211111121222221111"


# What verdicts depend on


def test_verdicts_depend_on_neither_nonces_nor_wording_nor_the_age_of_the_server() -> None:
    for judge, query, first, second in cells(WORLD)[::97]:
        known = judged(WORLD, judge, query, first, second)
        rewritten = judged(
            PlantedWorld(seed=0),
            judge,
            query,
            f"{first}\n",
            second,
            fence="a" * 16,
            nonce="b" * 16,
            wording="Wähle.",
            question="Worded otherwise?",
        )
        assert rewritten.split(": ")[1] == known.split(": ")[1]


def test_an_answer_is_the_same_whenever_it_is_asked_for() -> None:
    assert answer(WORLD, "alpha", "q1") == answer(PlantedWorld(seed=0), "alpha", "q1")
    assert len({answer(WORLD, model, query) for model in MODELS for query in QUERIES}) == len(MODELS) * len(QUERIES)


def test_another_seed_is_another_world() -> None:
    def verdicts(world: PlantedWorld) -> list[Seat]:
        return [world.verdict(*cell) for cell in cells(world)[:500]]

    assert verdicts(WORLD) != verdicts(PlantedWorld(seed=1))


def test_a_query_that_is_not_told_is_known_by_its_words() -> None:
    def reply(question: str) -> str:
        completed = WORLD.reply(Call("alpha", (question,)))
        assert isinstance(completed, Completed)
        return completed.text

    assert reply("Why is the sky blue?") == reply("Why is the sky blue?")
    assert reply("Why is the sky blue?") != reply("Why is the sea blue?")


def test_a_call_of_untold_purpose_is_judging_when_its_prompt_reads_as_such() -> None:
    first, second = answer(WORLD, "alpha", "q1"), answer(WORLD, "beta", "q1")
    reply = WORLD.reply(Call("gamma", (judging_prompt(first, second),), "q1"))
    assert isinstance(reply, Completed)
    assert reply.text.splitlines()[-1].startswith("VERDICT ")


def test_judging_a_prompt_that_cannot_be_read_is_a_bad_request_that_says_why() -> None:
    reply = WORLD.reply(Call("gamma", ("Which is better?",), "q1", Purpose.JUDGE))
    assert isinstance(reply, Refused)
    assert (reply.status, reply.code) == (400, "unreadable_prompt")
    assert "[QUESTION" in reply.message


# What verdicts come to


def test_verdicts_fall_as_often_as_their_odds_say_and_seat_orders_flip_as_theory_has_it() -> None:
    flips, expected_flips, wins, expected_wins = 0, 0.0, 0, 0.0
    sample = cells(WORLD)
    for cell in sample:
        judge, query, first, second = cell
        odds = sharpness(0, judge) * (WORLD.quality(query, first) - WORLD.quality(query, second))
        chance = float(expit(odds))
        one, swapped = both_seats(WORLD, cell)
        wins += one is Seat.FIRST
        expected_wins += chance
        flips += one is swapped  # the same seat wins in both orders: two answers do
        expected_flips += 2 * chance * (1 - chance)
    assert wins / len(sample) == pytest.approx(expected_wins / len(sample), abs=0.02)
    assert flips / len(sample) == pytest.approx(expected_flips / len(sample), abs=0.02)


def test_quality_is_the_authors_skill_and_query_effect() -> None:
    text = answer(WORLD, "alpha", "q7")
    assert WORLD.quality("q7", text) == pytest.approx(skill(0, "alpha") + query_effect(0, "alpha", "q7"))


def test_strangers_answers_are_of_the_population_and_judges_agree_on_them() -> None:
    qualities = np.array([WORLD.quality("q1", f"A real model's answer, number {number}.") for number in range(4_000)])
    assert qualities.mean() == pytest.approx(0, abs=0.06)
    assert qualities.std() == pytest.approx(np.hypot(1, 0.8), abs=0.05)
    assert WORLD.quality("q1", " An answer.\n") == WORLD.quality("q1", "An answer.")


def test_ties_come_at_their_rate_and_agree_in_both_seat_orders() -> None:
    world = replace(WORLD, tie_rate=0.2)
    seats = [both_seats(world, cell) for cell in cells(world)]
    assert all((one is Seat.TIE) == (other is Seat.TIE) for one, other in seats)
    assert np.mean([one is Seat.TIE for one, _ in seats]) == pytest.approx(0.2, abs=0.02)


def test_a_tie_flips_in_single_seat_orders_at_its_own_rate() -> None:
    world = replace(WORLD, tie_rate=1.0, tie_flip_rate=0.3)
    kinds = Counter(
        (one is Seat.TIE) + (other is Seat.TIE) for one, other in (both_seats(world, c) for c in cells(world))
    )
    total = kinds.total()
    assert kinds[2] / total == pytest.approx(0.7**2, abs=0.03)
    assert kinds[1] / total == pytest.approx(2 * 0.7 * 0.3, abs=0.03)


def test_a_first_seat_effect_favours_the_first_seat_in_both_orders() -> None:
    world = replace(WORLD, first_seat_mean=0.3, first_seat_sd=0.3)
    plain = np.mean([one is Seat.FIRST for cell in cells(WORLD) for one in both_seats(WORLD, cell)])
    biased = np.mean([one is Seat.FIRST for cell in cells(world) for one in both_seats(world, cell)])
    assert plain == pytest.approx(0.5, abs=0.02)
    assert 0.53 < biased < 0.62


# Hostile judges


def test_an_inverted_judge_mirrors_the_honest_odds() -> None:
    world = replace(WORLD, characters={"model-0": Character.INVERTED})
    for _, query, first, second in cells(WORLD)[::50]:
        honest = WORLD.first_seat_chance("model-0", query, first, second)
        assert world.first_seat_chance("model-0", query, first, second) == pytest.approx(1 - honest)


def test_a_first_seat_judge_flips_every_cell_tied_or_not() -> None:
    world = replace(WORLD, tie_rate=0.5, characters=dict.fromkeys(MODELS, Character.FIRST))
    assert {both_seats(world, cell) for cell in cells(world)} == {(Seat.FIRST, Seat.FIRST)}


def test_a_partial_judge_prefers_its_family() -> None:
    judge = "model-0"
    kin = next(model for model in MODELS[1:] if family_of(0, model) == family_of(0, judge))
    stranger = next(model for model in MODELS[1:] if family_of(0, model) != family_of(0, judge))
    world = replace(WORLD, characters={judge: Character.FAMILY})
    first, second = answer(world, kin, "q1"), answer(world, stranger, "q1")
    honest = WORLD.first_seat_chance(judge, "q1", first, second)
    partial = world.first_seat_chance(judge, "q1", first, second)
    assert np.log(partial / (1 - partial)) - np.log(honest / (1 - honest)) == pytest.approx(6)


def test_colluding_judges_prefer_the_favourite_from_either_seat() -> None:
    world = replace(WORLD, hostile_rate=1.0, hostile=Character.COLLUSION, favourite="model-11")
    favourite, other = answer(world, "model-11", "q1"), answer(world, "model-5", "q1")
    gain = world.first_seat_chance("model-0", "q1", favourite, other)
    assert gain > WORLD.first_seat_chance("model-0", "q1", favourite, other)
    assert world.first_seat_chance("model-0", "q1", other, favourite) == pytest.approx(1 - gain)


def test_hostile_judges_come_at_their_rate() -> None:
    world = replace(WORLD, hostile_rate=0.2, hostile=Character.INVERTED)
    kinds = Counter(world.character(f"slug-{number}") for number in range(4_000))
    assert kinds[Character.INVERTED] / kinds.total() == pytest.approx(0.2, abs=0.02)


def test_families_are_about_equal() -> None:
    families = Counter(family_of(0, f"slug-{number}") for number in range(4_000))
    assert sorted(families) == ["family-0", "family-1", "family-2", "family-3"]
    assert min(families.values()) / families.total() > 0.22


@pytest.mark.parametrize("seed", range(3))
def test_an_unreadable_judge_never_says_a_verdict(seed: int) -> None:
    world = PlantedWorld(seed=seed, characters={"model-0": Character.UNREADABLE})
    first, second = answer(world, "alpha", "q1"), answer(world, "beta", "q1")
    for query, seats in product(QUERIES, ((first, second), (second, first), (first, first))):
        assert not judged(world, "model-0", query, *seats).startswith("VERDICT ffeeddccbbaa9988: ")


# Truncations


@pytest.mark.parametrize("world", [WORLD, replace(WORLD, answer_refusal_rate=1.0)])
def test_a_truncation_beside_its_own_whole_is_worth_less_by_a_constant(world: PlantedWorld) -> None:
    for model, query in product(MODELS, QUERIES[:5]):
        whole = answer(world, model, query)
        for judge, cut in product(MODELS[:3], (truncated(whole), f" {truncated(whole)}\n")):
            chance = world.first_seat_chance(judge, query, whole, cut)
            assert chance == pytest.approx(expit(sharpness(0, judge) * TRUNCATION_COST))
            assert world.first_seat_chance(judge, query, cut, whole) == pytest.approx(1 - chance)


def test_a_strangers_truncation_is_worth_less_than_the_stranger() -> None:
    text = "A real model's answer that plays along, of some length so that it can be cut."
    chance = WORLD.first_seat_chance("model-0", "q1", text, truncated(text))
    assert chance == pytest.approx(expit(sharpness(0, "model-0") * TRUNCATION_COST))


def test_an_answer_beside_itself_is_no_truncation() -> None:
    for text in (answer(WORLD, "alpha", "q1"), "4", ""):
        assert WORLD.first_seat_chance("model-0", "q1", text, text) == pytest.approx(0.5)


def test_an_inverted_judge_prefers_the_truncation_and_partial_ones_see_one_author() -> None:
    characters = {"model-0": Character.INVERTED, "model-1": Character.FAMILY, "model-2": Character.COLLUSION}
    world = replace(WORLD, characters=characters, favourite="alpha")
    whole = answer(world, "alpha", "q1")
    chances = {judge: world.first_seat_chance(judge, "q1", whole, truncated(whole)) for judge in characters}
    honest = {judge: WORLD.first_seat_chance(judge, "q1", whole, truncated(whole)) for judge in characters}
    assert chances == pytest.approx({**honest, "model-0": 1 - honest["model-0"]})


# Queries that tell, and queries that do not


def test_discriminations_come_as_their_settings_say() -> None:
    world = replace(WORLD, log_discrimination_sd=0.6, dead_rate=0.1, mislabelled_rate=0.05)
    found = np.array([world.discrimination(f"q{number}") for number in range(8_000)])
    assert np.mean(found == 0) == pytest.approx(0.1, abs=0.015)
    assert np.mean(found < 0) == pytest.approx(0.9 * 0.05, abs=0.01)
    logs = np.log(np.abs(found[found != 0]))
    assert logs.mean() == pytest.approx(0, abs=0.03)
    assert logs.std() == pytest.approx(0.6, abs=0.03)
    assert {WORLD.discrimination(query) for query in QUERIES} == {1.0}


def test_a_querys_discrimination_multiplies_what_judges_see_of_two_models_answers() -> None:
    world = replace(WORLD, log_discrimination_sd=0.6, dead_rate=0.1, mislabelled_rate=0.1)
    for judge, query, first, second in cells(WORLD)[::25]:
        plain = logit(WORLD.first_seat_chance(judge, query, first, second))
        seen = logit(world.first_seat_chance(judge, query, first, second))
        assert seen == pytest.approx(world.discrimination(query) * plain)


def test_a_truncation_shows_on_dead_and_mislabelled_queries_too() -> None:
    whole = answer(WORLD, "alpha", "q1")
    for world in (replace(WORLD, dead_rate=1.0), replace(WORLD, mislabelled_rate=1.0)):
        for seats in ((whole, truncated(whole)), (truncated(whole), whole)):
            assert world.first_seat_chance("model-0", "q1", *seats) == WORLD.first_seat_chance("model-0", "q1", *seats)


# What goes wrong


def test_who_declines_to_judge_declines_in_both_seat_orders() -> None:
    world = replace(WORLD, judge_refusal_rate=0.5)
    declined = [
        {"would rather not" in judged(world, judge, query, *seats) for seats in ((first, second), (second, first))}
        for judge, query, first, second in cells(world)[:100]
    ]
    assert {True} in declined
    assert {False} in declined
    assert {True, False} not in declined


def test_unreadable_verdicts_and_refusals_to_judge_come_at_their_rates() -> None:
    world = replace(WORLD, unreadable_rate=0.1, judge_refusal_rate=0.1)
    sample = cells(world)
    lines = [judged(world, *cell) for cell in sample]
    readable = np.mean([line.startswith("VERDICT ffeeddccbbaa9988: ") for line in lines])
    assert readable == pytest.approx(0.9 * 0.9, abs=0.02)
    assert lines == [judged(world, *cell) for cell in sample]


def test_an_answer_that_declines_is_still_its_models_and_worth_less() -> None:
    world = replace(WORLD, answer_refusal_rate=0.25)
    declined = [q for q in QUERIES for m in MODELS if "cannot help" in answer(world, m, q)]
    assert len(declined) / (len(MODELS) * len(QUERIES)) == pytest.approx(0.25, abs=0.06)
    world = replace(WORLD, answer_refusal_rate=1.0)
    assert world.quality("q1", answer(world, "alpha", "q1")) == pytest.approx(
        WORLD.quality("q1", answer(WORLD, "alpha", "q1")) - 3
    )


def test_failures_come_at_their_rate_and_come_again() -> None:
    world = replace(WORLD, failure_rate=0.1)
    calls = [Call(model, ("Why?",), query, Purpose.ANSWER) for model in MODELS for query in QUERIES]
    replies = [world.reply(call) for call in calls]
    assert np.mean([isinstance(reply, Refused) and reply.status == 500 for reply in replies]) == pytest.approx(
        0.1, abs=0.04
    )
    assert replies == [world.reply(replace(call, repeats=1)) for call in calls]


def test_delays_lie_around_their_mean_and_change_nothing_else() -> None:
    world = replace(WORLD, delay_seconds=2.0)
    replies = [world.reply(Call("alpha", ("Why?",), query, Purpose.ANSWER)) for query in QUERIES]
    delays = [reply.delay_seconds for reply in replies if isinstance(reply, Completed)]
    assert len(delays) == len(QUERIES)
    assert 1 <= min(delays) < 2 < max(delays) <= 3
    assert answer(world, "alpha", "q1") == answer(WORLD, "alpha", "q1")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tie_rate": 1.1}, "tie_rate is 1.1: a probability"),
        ({"failure_rate": -0.1}, "failure_rate is -0.1"),
        ({"delay_seconds": -1.0}, "delay_seconds is -1.0: it must not be negative"),
        ({"hostile": Character.COLLUSION}, "favourite"),
    ],
)
def test_impossible_worlds_are_refused_by_field(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(WORLD, **wrong)


def test_verdicts_of_all_judges_rank_the_models_as_planted() -> None:
    wins: Counter[str] = Counter()
    for query in QUERIES[:24]:
        shown = {model: answer(WORLD, model, query) for model in MODELS}
        for one, other in combinations(MODELS, 2):
            for judge in [model for model in MODELS[::3] if model not in {one, other}]:
                match both_seats(WORLD, (judge, query, shown[one], shown[other])):
                    case Seat.FIRST, Seat.SECOND:
                        wins[one] += 1
                    case Seat.SECOND, Seat.FIRST:
                        wins[other] += 1
    assert spearmanr([wins[model] for model in MODELS], list(truth(0, MODELS).values())).statistic > 0.9
