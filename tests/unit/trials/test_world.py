"""The planted world without its server: the same verdicts, and the same odds for cells by the million."""

import math
import re
from collections import Counter
from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy.special import expit

from dearena.faults import InvalidField
from dearena.local.questions import algebra
from dearena.outcomes import Outcome, SeatVerdict
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import SeatPolicy
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import UNSAID
from dearena.sparring.calls import Call, Completed, Purpose
from dearena.sparring.planted import TRUNCATION_COST, Character, sharpness
from dearena.trials.mass import Mass
from dearena.trials.world import Hostility, Planted
from tests.unit.sparring.prompts import NONCE, judging_prompt

ONCE = {SeatVerdict.FIRST: Outcome.A, SeatVerdict.SECOND: Outcome.B, SeatVerdict.UNREADABLE: Outcome.INVALID}
TURNED = {Outcome.A: Outcome.B, Outcome.B: Outcome.A, Outcome.INVALID: Outcome.INVALID}
OUTCOMES = {
    (SeatVerdict.FIRST, SeatVerdict.SECOND): Outcome.A,
    (SeatVerdict.SECOND, SeatVerdict.FIRST): Outcome.B,
    (SeatVerdict.UNREADABLE, SeatVerdict.UNREADABLE): Outcome.INVALID,
}
HOSTILE = [character for character in Character if character is not Character.HONEST]


def answers_of(world: Planted) -> dict[tuple[str, str], str]:
    """As the sparring server gives them."""
    texts = {}
    for slug, question in product(world.slugs, algebra(len(world.queries))):
        reply = world.planted.reply(Call(slug, (question["text"],), question["id"], Purpose.ANSWER))
        assert isinstance(reply, Completed)
        texts[f"{slug}@1", question["id"]] = reply.text
    return texts


def seat_said(world: Planted, judge: str, query: str, first: str, second: str) -> SeatVerdict:
    """By asking the sparring server's world itself."""
    prompt = judging_prompt(first, second)
    reply = world.planted.reply(Call(judge.removesuffix("@1"), (prompt,), query, Purpose.JUDGE))
    assert isinstance(reply, Completed)
    verdict = re.search(r"VERDICT (\w+): (\w+)$", reply.text)
    if verdict is None or verdict[1] != NONCE:
        return SeatVerdict.UNREADABLE
    return {"1": SeatVerdict.FIRST, "2": SeatVerdict.SECOND, "TIE": SeatVerdict.TIE}[verdict[2]]


@pytest.mark.parametrize("character", Character)
def test_a_judge_says_what_the_sparring_server_would_have_it_say(character: Character) -> None:
    world = Planted.economy(3, 6, 3, Hostility(character, 0.5))
    texts, orders = answers_of(world), set()
    for one, other in combinations(world.models, 2):
        for judge, query in product(world.models, world.queries):
            shown = texts[one, query], texts[other, query]
            said = seat_said(world, judge, query, *shown), seat_said(world, judge, query, *shown[::-1])
            heard = world.judge(Pair(one, other), judge, query)
            assert heard.outcome is OUTCOMES.get(said, Outcome.FLIP)
            assert heard.judge_calls == 2
            single = world.judge(Pair(one, other), judge, query, SeatPolicy.SINGLE)
            orders.add(single.seats.index(UNSAID) if UNSAID in single.seats else None)
            by_seats = [ONCE[said[0]], TURNED[ONCE[said[1]]]]
            assert single.outcome in by_seats
            assert single.judge_calls == 1
            if single.outcome is not Outcome.INVALID:
                asked = 1 - single.seats.index(UNSAID)
                assert single.outcome is by_seats[asked]
                assert single.seats[asked] == heard.seats[asked]
    assert orders == {0, 1}


@pytest.mark.parametrize("character", Character)
def test_cells_by_the_million_have_the_odds_of_cells_one_by_one(character: Character) -> None:
    world = Planted.economy(0, 5, 2, Hostility(character, 0.6))
    many, mass = 4_000, Mass(world)
    texts = answers_of(world)
    for judge, (first, second), query in product(range(5), combinations(range(5), 2), range(2)):
        if judge in (first, second):
            continue
        columns = [np.full(many, place) for place in (judge, first, second, query)]
        shares = np.bincount(mass.outcomes(*columns), minlength=len(CODES)) / many
        if world.planted.character(world.slugs[judge]) is Character.UNREADABLE:
            assert shares[CODES[Outcome.INVALID]] == 1
            continue
        asked = world.queries[query]
        shown = [texts[world.models[place], asked] for place in (first, second)]
        a_first = world.planted.first_seat_chance(world.slugs[judge], asked, *shown)
        b_first = world.planted.first_seat_chance(world.slugs[judge], asked, *shown[::-1])
        for outcome, odds in ((Outcome.A, a_first * (1 - b_first)), (Outcome.B, (1 - a_first) * b_first)):
            assert shares[CODES[outcome]] == pytest.approx(odds, abs=5 * math.sqrt(odds * (1 - odds) / many) + 1e-9)
        assert shares[[CODES[one] for one in (Outcome.A, Outcome.B, Outcome.FLIP)]].sum() == pytest.approx(1)


def test_a_healthy_judge_tells_an_answer_from_its_truncation_and_not_from_itself() -> None:
    world = Planted.economy(0, 8, 6)
    asked = [(model, judge, query) for model, judge in permutations(world.models, 2) for query in world.queries]
    cut = Counter(world.judge_canary(*cell, truncated=True).outcome for cell in asked)
    same = Counter(world.judge_canary(*cell, truncated=False).outcome for cell in asked)
    chances = [expit(TRUNCATION_COST * sharpness(0, judge.removesuffix("@1"))) for _, judge, _ in asked]
    for outcome, odds in ((Outcome.A, np.square(chances)), (Outcome.B, np.square(np.subtract(1, chances)))):
        assert cut[outcome] == pytest.approx(np.sum(odds), abs=4 * math.sqrt(np.sum(odds * (1 - odds))))
    # The two seat orders show the same thing, and draw the same lot.
    assert same == {Outcome.FLIP: len(asked)}


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
    with pytest.raises(InvalidField, match=r"none of|form|probability"):
        Hostility.parse(text)
