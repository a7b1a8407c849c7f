"""Planted bad judges are found out while an arena runs, and nobody else is; canaries as they are really asked."""

from functools import lru_cache

import pytest

from dearena.outcomes import Outcome
from dearena.ranking.canary_schedule import SAME_ANSWER_EVERY, suspicious
from dearena.ranking.decisions import DecisionKind
from dearena.ranking.evidence import CANARY
from dearena.ranking.health import JudgeRecord
from dearena.ranking.judge_records import added, record_in
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.sparring.planted import Character, sharpness
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

MODELS, QUERIES = 13, 24
MOST_CELLS = 200
LEAST_SHARPNESS = 0.6
"""Of an inverted judge: one that can tell nothing says nothing wrong either."""

BAD = [
    (Character.INVERTED, SeatPolicy.BOTH),
    (Character.INVERTED, SeatPolicy.SINGLE),
    (Character.FIRST, SeatPolicy.BOTH),
    (Character.FIRST, SeatPolicy.SINGLE),
    (Character.UNREADABLE, SeatPolicy.BOTH),
]


def sharp_judge(seed: int, *, last: bool = False) -> str:
    """Slug of the first one, a seed, or of the last one, a newcomer."""
    slugs = Planted.economy(seed, MODELS, QUERIES).slugs
    return next(slug for slug in (reversed(slugs) if last else slugs) if sharpness(seed, slug) > LEAST_SHARPNESS)


def played_with(seed: int, slug: str, character: Character, seats: SeatPolicy) -> Played:
    """Until the bad judge is suspended, or a healthy one would have been asked enough."""
    played = Played(Planted.economy(seed, MODELS, QUERIES, characters={slug: character}), Rules(seats=seats))
    judge = f"{slug}@1"
    played.rest()
    while judge not in played.state.suspended and record_of(played, judge).cells <= MOST_CELLS:
        played.order(DecisionKind.REFINEMENT_ORDERED, calls=400)
        played.rest()
    return played


def record_of(played: Played, judge: str) -> JudgeRecord:
    """By the log, since the judge was last reinstated."""
    record = JudgeRecord()
    for decision in played.log:
        if decision.kind is DecisionKind.JUDGE_REINSTATED and decision.model == judge:
            record = JudgeRecord()
        if decision.kind is DecisionKind.ROUND_CLOSED:
            record = added(record, record_in(decision.content["judges"].get(judge, {})))
    return record


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize(("character", "seats"), BAD)
def test_a_bad_judge_is_suspended_within_two_hundred_cells_and_no_healthy_one_is(
    character: Character, seats: SeatPolicy, place: str
) -> None:
    slug = sharp_judge(0, last=place == "last")
    played = played_with(0, slug, character, seats)
    (told,) = played.of_kind(DecisionKind.JUDGE_SUSPENDED)
    assert told.model == f"{slug}@1"
    assert told.content["by"] == "rule"
    assert played.state.suspended == {told.model}
    assert record_of(played, told.model).cells <= MOST_CELLS
    # It is asked nothing more, and ranked as everybody else.
    later = [one for one in played.of_kind(DecisionKind.ROUND_OPENED) if one.number > told.number]
    assert not any(told.model in one.content["judges"] for one in later)
    assert told.model in played.state.ranking


@lru_cache
def with_inverted() -> tuple[Played, str]:
    slug = sharp_judge(1)
    return played_with(1, slug, Character.INVERTED, SeatPolicy.BOTH), f"{slug}@1"


def test_the_board_after_a_suspension_is_that_of_the_other_votes() -> None:
    played, judge = with_inverted()
    strengths = {row.model: row.strength for row in played.made.board.rows}
    assert any(vote.judge == judge for vote in played.asked())
    assert strengths == played.strengths_without(judge)
    assert strengths != played.strengths_without()
    settled = played.of_kind(DecisionKind.SETTLED)[-1]
    assert settled.content["board_digest"] == played.made.board.digest


def test_a_suspension_by_hand_is_seen_on_the_next_board_and_undone_by_a_reinstatement() -> None:
    played = Played(Planted.economy(2, MODELS, QUERIES))
    played.rest()
    judge = played.planted.models[0]
    before = {row.model: row.strength for row in played.made.board.rows}
    played.order(DecisionKind.JUDGE_SUSPENDED, judge)
    played.rest()
    without = {row.model: row.strength for row in played.made.board.rows}
    assert without == played.strengths_without(judge) != before
    played.order(DecisionKind.JUDGE_REINSTATED, judge)
    played.rest()
    assert {row.model: row.strength for row in played.made.board.rows} == before
    assert not played.state.outdated


def test_a_reinstated_judge_is_heard_again_and_its_record_begins_anew() -> None:
    before, judge = with_inverted()
    played = before.restarted()
    played.order(DecisionKind.JUDGE_REINSTATED, judge)
    played.step()
    assert judge not in played.state.suspended
    assert judge not in played.state.health
    played.rest()
    # Its votes count again.
    assert {row.model: row.strength for row in played.made.board.rows} == played.strengths_without()
    played.order(DecisionKind.REFINEMENT_ORDERED, calls=2_000)
    played.rest()
    assert 0 < record_of(played, judge).cells <= MOST_CELLS
    first, again = played.of_kind(DecisionKind.JUDGE_SUSPENDED)
    assert first.model == again.model == judge
    assert first.round < again.round


@pytest.mark.parametrize("seed", range(3))
def test_no_healthy_judge_is_suspended(seed: int) -> None:
    played = Played(Planted.economy(seed, MODELS, QUERIES))
    played.rest()
    played.order(DecisionKind.REFINEMENT_ORDERED, calls=1_500)
    played.rest()
    assert played.of_kind(DecisionKind.JUDGE_SUSPENDED) == []


@pytest.mark.parametrize("every", [5, 20])
def test_canaries_are_one_of_so_many_votes_never_the_same_and_never_on_the_judges_own_answer(every: int) -> None:
    played = Played(Planted.economy(0, MODELS, QUERIES), Rules(canary_every=every))
    suspected: set[str] = set()
    while played.step() is None:
        suspected |= {judge for judge, record in played.state.health.items() if suspicious(record)}
    canaries = played.asked(CANARY)
    looks = [(vote.judge, vote.pair.model_a, vote.query_id) for vote in canaries]
    assert len(set(looks)) == len(looks)
    assert all(vote.judge not in vote.pair for vote in canaries)
    calm = set(played.state.health) - suspected
    assert len(calm) > MODELS / 2
    for judge in calm:
        votes = sum(vote.judge == judge for vote in played.asked())
        assert sum(vote.judge == judge for vote in canaries) == -(-votes // every)


def test_without_canaries_none_are_asked() -> None:
    played = Played(Planted.economy(0, MODELS, QUERIES), Rules(canary_every=0))
    played.rest()
    assert played.asked(CANARY) == []
    assert all(one.content["canaries"] == 0 for one in played.of_kind(DecisionKind.ROUND_OPENED))


def test_where_no_answer_can_be_cut_canaries_of_both_sorts_are_asked_all_the_same() -> None:
    """What comes to nothing leaves no trace in a judge's record, and takes its turn nevertheless."""
    played = Played(
        Planted.economy(0, MODELS, QUERIES),
        Rules(canary_every=4),
        outcomes=lambda votes: [
            vote._replace(outcome=Outcome.VOID, judge_calls=0) if vote.cell_id.endswith("truncated") else vote
            for vote in votes
        ],
    )
    played.rest()
    for judge in {vote.judge for vote in played.asked(CANARY)}:
        sorts = [vote.cell_id.rpartition(" ")[2] for vote in played.asked(CANARY) if vote.judge == judge]
        assert sorts.count("same") == len(sorts) // SAME_ANSWER_EVERY
