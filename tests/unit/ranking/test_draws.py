"""Which cells of a pair come next."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.outcomes import Outcome
from dearena.ranking.asks import Ask
from dearena.ranking.draws import LEAST_DRAW, Panel, Shown, anybody_left, draw, every
from dearena.ranking.evidence import EVEN_DRAW, Ballot, Evidence, Vote
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import ONE

PAIR = Pair("a@1", "b@1")
JUDGES = tuple(f"judge-{place}@1" for place in range(5))
QUERIES = tuple(f"q{place}" for place in range(7))
ALL = [Ballot(judge, query) for judge in JUDGES for query in QUERIES]
WEIGHTS = st.lists(st.integers(0, 4 * ONE), min_size=len(JUDGES), max_size=len(JUDGES))


def drawn(count: int, asked: set[Ballot] | None = None, salt: str = "", shown: Shown | None = None) -> list[Ask]:
    panel = Panel.of(JUDGES, {}, {})
    return draw(PAIR, panel, QUERIES, asked or set(), shown or Shown(Evidence()), count, salt)


@given(st.integers(0, 50), st.sets(st.sampled_from(ALL)), st.text("xyz", max_size=3))
def test_no_ballot_comes_twice_and_all_come_before_nothing_is_left(count: int, asked: set[Ballot], salt: str) -> None:
    found = [ask.ballot for ask in drawn(count, asked, salt)]
    assert len(set(found)) == len(found) == min(count, len(ALL) - len(asked))
    assert not asked & set(found)
    assert anybody_left(PAIR, JUDGES, QUERIES, asked) == (len(asked) < len(ALL))
    assert drawn(count, asked, salt) == drawn(count, asked, salt)


@given(st.integers(1, len(ALL)), st.text("xyz", max_size=3))
def test_a_batch_goes_round_all_queries_and_all_judges_before_any_comes_again(count: int, salt: str) -> None:
    found = drawn(count, salt=salt)
    queries = Counter(ask.query_id for ask in found)
    assert max(queries.values()) <= -(-count // len(QUERIES))
    if count <= len(ALL) // 2:  # later on, those who are due have judged what is left
        assert max(Counter(ask.judge for ask in found).values()) <= -(-count // len(JUDGES))


@given(st.sets(st.sampled_from(QUERIES), min_size=1))
def test_answers_that_were_judged_least_come_first(fresh: set[str]) -> None:
    evidence = Evidence()
    others = [
        Vote(f"cell {query}", 1, Pair("a@1", "c@1"), JUDGES[0], query, Outcome.A)
        for query in QUERIES
        if query not in fresh
    ]
    evidence.add(1, others)
    found = drawn(len(QUERIES), shown=Shown(evidence))
    assert {ask.query_id for ask in found[: len(fresh)]} == fresh


def test_queries_that_the_pair_was_asked_about_come_last_however_fresh_the_answers_of_others() -> None:
    evidence = Evidence()
    others = [
        Vote(f"{judge} {query}", 1, Pair("a@1", "c@1"), judge, query, Outcome.A)
        for judge in JUDGES
        for query in QUERIES[1:]
    ]
    asked = Vote("asked", 1, PAIR, JUDGES[0], QUERIES[0], Outcome.A)
    evidence.add(1, [*others, asked])
    found = drawn(len(QUERIES), {Ballot(JUDGES[0], QUERIES[0])}, shown=Shown(evidence))
    assert [ask.query_id for ask in found].index(QUERIES[0]) == len(QUERIES) - 1


def test_what_is_drawn_for_one_pair_counts_for_the_next() -> None:
    shown = Shown(Evidence())
    first = drawn(3, shown=shown)
    second = draw(Pair("a@1", "c@1"), Panel.of(JUDGES, {}, {}), QUERIES, set(), shown, 4, "")
    assert not {ask.query_id for ask in first} & {ask.query_id for ask in second}


@given(WEIGHTS)
def test_every_judge_has_a_fifth_of_an_even_chance_at_least(weights: list[int]) -> None:
    panel = Panel.of(JUDGES, dict(zip(JUDGES, weights, strict=True)), {})
    assert sum(panel.chances.values()) == pytest.approx(1)
    assert min(panel.chances.values()) >= LEAST_DRAW / len(JUDGES) * (1 - 1e-12)
    draws = [panel.draw_of(judge) for judge in JUDGES]
    assert sum(draws) == pytest.approx(EVEN_DRAW * len(JUDGES), abs=len(JUDGES))
    if sum(weights):
        share = [weight / sum(weights) for weight in weights]
        even = 1 / len(JUDGES)
        expected = [LEAST_DRAW * even + (1 - LEAST_DRAW) * one for one in share]
        assert list(panel.chances.values()) == pytest.approx(expected)


@pytest.mark.parametrize("batch", [1, 2])
def test_in_the_long_run_each_judge_judges_a_pair_in_proportion_to_its_chance(batch: int) -> None:
    """A systematic sample; independent draws would be off by seven at their standard deviation."""
    panel = Panel.of(JUDGES, {JUDGES[0]: 2 * ONE, JUDGES[1]: 0}, {})
    queries = [f"q{place}" for place in range(400)]
    cells = 200
    for salt in "abcdefgh":
        shown, asked, judged = Shown(Evidence()), set[Ballot](), Counter[str]()
        while len(asked) < cells:
            found = draw(PAIR, panel, queries, asked, shown, batch, salt)
            asked |= {ask.ballot for ask in found}
            judged.update(ask.judge for ask in found)
            for judge, chance in panel.chances.items():
                assert abs(judged[judge] - chance * len(asked)) < 2, (salt, judge, len(asked))


def test_a_model_is_judged_by_each_in_proportion_whoever_it_meets() -> None:
    panel = Panel.of(JUDGES, {JUDGES[0]: 2 * ONE, JUDGES[1]: 0}, {})
    shown, judged = Shown(Evidence()), Counter[str]()
    asked: dict[Pair, set[Ballot]] = {}
    for turn in range(200):
        pair = Pair("a@1", f"b{turn * 7 % 40}@1")
        (ask,) = draw(pair, panel, QUERIES, asked.setdefault(pair, set()), shown, 1, "")
        asked[pair].add(ask.ballot)
        judged[ask.judge] += 1
    for judge, chance in panel.chances.items():
        assert abs(judged[judge] - 200 * chance) < 3, judge


def test_whoever_has_judged_the_two_models_least_for_its_chance_comes_first() -> None:
    """Closed rounds count, and other opponents; four votes of a judge with twice the chance are no more than two."""
    evidence = Evidence()
    votes = dict(zip(JUDGES, (4, 7, 7, 7, 0), strict=True))
    evidence.add(
        1,
        [
            Vote(f"{judge} {query} {other}", 1, Pair("a@1", other), judge, query, Outcome.A)
            for judge, number in votes.items()
            for query in QUERIES[:number]
            for other in ("c@1", "d@1")
        ],
    )
    panel = Panel.of(JUDGES, {JUDGES[0]: 2 * ONE}, {})
    for salt in "abcdefgh":
        judges = [ask.judge for ask in draw(PAIR, panel, QUERIES, set(), Shown(evidence), len(QUERIES), salt)]
        assert judges[:3] == [JUDGES[4], JUDGES[0], JUDGES[0]]
        assert sorted(judges[3:6]) == sorted(JUDGES[1:4])


def test_a_cell_tells_the_chance_of_its_judge_in_parts_of_an_even_one() -> None:
    assert {ask.draw for ask in drawn(5)} == {EVEN_DRAW}
    panel = Panel.of(JUDGES, {JUDGES[0]: 0}, {})
    found = draw(PAIR, panel, QUERIES, set(), Shown(Evidence()), 5, "")
    assert [ask.draw for ask in found] == [panel.draw_of(ask.judge) for ask in found]
    assert panel.draw_of(JUDGES[0]) == round(LEAST_DRAW * EVEN_DRAW)


def test_of_equal_judges_the_cheaper_one_is_drawn_more_and_the_unknown_one_as_the_mean() -> None:
    panel = Panel.of(JUDGES, {}, {JUDGES[0]: 100, JUDGES[1]: 400})
    cheap, dear, unknown = (panel.chances[judge] for judge in JUDGES[:3])
    assert cheap > unknown > dear
    floor = LEAST_DRAW / len(JUDGES)
    assert (cheap - floor) / (dear - floor) == pytest.approx(2)
    assert Panel.of(JUDGES, {}, dict.fromkeys(JUDGES, 7)) == Panel.of(JUDGES, {}, {})


@given(st.sets(st.sampled_from(ALL)), st.integers(0, 50))
def test_gaps_in_what_can_be_asked_are_left_out(there: set[Ballot], count: int) -> None:
    def askable(_pair: Pair, judge: str, query_id: str) -> bool:
        return Ballot(judge, query_id) in there

    found = draw(PAIR, Panel.of(JUDGES, {}, {}), QUERIES, set(), Shown(Evidence()), count, "", askable)
    assert {ask.ballot for ask in found} <= there
    assert len(found) == min(count, len(there))
    assert {ask.ballot for ask in every(PAIR, JUDGES, QUERIES, askable)} == there


def test_with_nobody_to_ask_nothing_is_drawn() -> None:
    shown = Shown(Evidence())
    assert drawn(3, set(ALL), shown=shown) == []
    assert not shown.planned
    assert not anybody_left(PAIR, JUDGES, QUERIES, [], lambda _pair, _judge, _query: False)
    assert anybody_left(PAIR, JUDGES, QUERIES, ALL[1:])
