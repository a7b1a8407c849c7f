"""The planted world without its server: the same verdicts, and the same odds for cells by the million."""

import math
from itertools import combinations, product

import numpy as np
import pytest

from dearena.local.questions import algebra
from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import SeatPolicy
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import UNSAID
from dearena.sparring.calls import Call, Completed, Purpose
from dearena.sparring.planted import Character
from dearena.sparring.reading import Seat
from dearena.trials.mass import Mass
from dearena.trials.world import Heard, Hostility, Planted

HOSTILE = [character for character in Character if character is not Character.HONEST]


def answers_of(world: Planted) -> dict[tuple[str, str], str]:
    """As the sparring server gives them."""
    texts = {}
    for slug, question in product(world.slugs, algebra(len(world.queries))):
        reply = world.planted.reply(Call(slug, (question["text"],), question["id"], Purpose.ANSWER))
        assert isinstance(reply, Completed)
        texts[f"{slug}@1", question["id"]] = reply.text
    return texts


@pytest.mark.parametrize("character", Character)
def test_a_judge_says_what_the_sparring_server_would_have_it_say(character: Character) -> None:
    world = Planted.economy(3, 6, 3, Hostility(character, 0.5))
    texts = answers_of(world)
    for one, other in combinations(world.models, 2):
        for judge, query in product(world.models, world.queries):
            shown = texts[one, query], texts[other, query]
            slug = judge.removesuffix("@1")
            said = [world.planted.verdict(slug, query, *shown), world.planted.verdict(slug, query, *shown[::-1])]
            outcome = {(Seat.FIRST, Seat.SECOND): Outcome.A, (Seat.SECOND, Seat.FIRST): Outcome.B}
            heard = world.judge(Pair(one, other), judge, query)
            assert heard.outcome is outcome.get((said[0], said[1]), Outcome.FLIP)
            assert heard.judge_calls == 2
            single = world.judge(Pair(one, other), judge, query, SeatPolicy.SINGLE)
            first = 0 if said[0] is Seat.FIRST else 1
            assert single == Heard((Outcome.A, Outcome.B)[first], (first, UNSAID), 1)


@pytest.mark.parametrize("character", Character)
def test_cells_by_the_million_have_the_odds_of_cells_one_by_one(character: Character) -> None:
    world = Planted.economy(0, 5, 2, Hostility(character, 0.6))
    many, mass = 4_000, Mass(world)
    for judge, (first, second), query in product(range(5), combinations(range(5), 2), range(2)):
        if judge in (first, second):
            continue
        columns = [np.full(many, place) for place in (judge, first, second, query)]
        shares = np.bincount(mass.outcomes(*columns), minlength=len(CODES)) / many
        knows = world.judge_of(world.models[judge])
        answers = [world.answer_of(world.models[place], world.queries[query]) for place in (first, second)]
        a_first, b_first = knows.first_seat_chance(*answers), knows.first_seat_chance(*answers[::-1])
        for outcome, odds in ((Outcome.A, a_first * (1 - b_first)), (Outcome.B, (1 - a_first) * b_first)):
            assert shares[CODES[outcome]] == pytest.approx(odds, abs=5 * math.sqrt(odds * (1 - odds) / many) + 1e-9)
        assert shares[: CODES[Outcome.TIE]].sum() + shares[CODES[Outcome.FLIP]] == pytest.approx(1)


def test_the_truth_is_the_skill_that_was_planted() -> None:
    world = Planted.economy(1, 200, 1)
    assert np.mean(list(world.truth.values())) == pytest.approx(0, abs=0.2)
    assert np.std(list(world.truth.values())) == pytest.approx(1, abs=0.15)
    assert list(world.truth) == list(world.models)
    assert Planted.economy(1, 3, 1).truth == dict(list(world.truth.items())[:3])


@pytest.mark.parametrize("character", HOSTILE)
def test_hostility_is_read_from_kind_and_rate(character: Character) -> None:
    assert Hostility.parse(f"{character}:0.2") == Hostility(character, 0.2)


@pytest.mark.parametrize("text", ["honest:0.2", "inverted", "inverted:x", "inverted:1.5", "inverted:nan", ":", ""])
def test_other_hostility_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"none of|form|probability"):
        Hostility.parse(text)
