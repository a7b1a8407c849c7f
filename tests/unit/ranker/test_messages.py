"""Between the contracts and the ranker's own words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from dearena.outcomes import Outcome
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import EntrantState
from dearena.ranking.findings import Progress
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import Insertion, InsertionPhase, Seeding, Withdrawn
from dearena.ranking.rounds import Cell
from dearena.ranking.rules import Rules
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, query_selector_pb2, scorer_pb2
from dearena.v1 import ranker_pb2 as pb
from services.ranker import peer_messages
from services.ranker.messages import decision_message, insertion_message, money
from services.ranker.records import InsertionRecord, share_of, shares_of
from tests.unit.ranking.planted import ALGEBRA

THEN = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_a_dimension_leaves_open_stands_for_the_defaults() -> None:
    found = peer_messages.dimension_version(query_selector_pb2.Dimension(name=str(ALGEBRA), version=1))
    assert (found.name, found.version, found.is_ready) == (ALGEBRA, 1, False)
    assert found.rules == Rules()
    settings = query_selector_pb2.RankingSettings(seed_models=4, window=2, max_slides=3, jury="j", weighting="w")
    told = query_selector_pb2.Dimension(
        name=str(ALGEBRA),
        ranking=settings,
        template="pairwise@2",
        allowed_providers=["a"],
        state=query_selector_pb2.DIMENSION_STATE_READY,
    )
    assert peer_messages.dimension_version(told).is_ready
    assert peer_messages.dimension_version(told).rules == Rules(4, 2, 3, "j", "w", "pairwise@2", frozenset({"a"}))


def test_an_entrant_in_a_state_that_is_not_known_is_not_admitted() -> None:
    assert peer_messages.entrant(gateway_pb2.Entrant(model="a@1")).state is EntrantState.COLLECTING
    ready = gateway_pb2.Entrant(model="a@1", state=gateway_pb2.ENTRANT_STATE_READY)
    assert peer_messages.entrant(ready).state is EntrantState.READY
    assert peer_messages.entrant(ready).cohort == "a@1"  # of its own


@pytest.mark.parametrize("said", ["Meta", "meta", " META ", "meta\u00a0", "\uff2deta"])
def test_a_family_is_the_same_however_it_is_written(said: str) -> None:
    assert peer_messages.entrant(gateway_pb2.Entrant(model="a@1", family=said)).family == "meta"
    assert peer_messages.entrant(gateway_pb2.Entrant(model="a@1", family=" ")).family == ""
    assert peer_messages.entrant(gateway_pb2.Entrant(model="a@1", family="Meta  Llama")).family == "meta llama"


def batch(**changes: object) -> judge_dispatcher_pb2.ListVotesResponse:
    columns: dict[str, object] = {
        "models": ["alpha@1", "beta@1", "gamma@1"],
        "query_ids": ["q1"],
        "sequence": [1, 2],
        "round": [1, 1],
        "cell_id": ["c1", "c2"],
        "attempt": [1, 2],
        "model_a": [0, 0],
        "model_b": [1, 1],
        "judge": [2, 2],
        "query": [0, 0],
        "outcome": [common_pb2.OUTCOME_B, common_pb2.OUTCOME_FAILED],
        "judge_calls": [2, 1],
        "cost_nano_units": [7, 0],
        "currency": "USD",
        "a_first": [common_pb2.SEAT_VERDICT_SECOND, common_pb2.SEAT_VERDICT_NONE],
        "b_first": [common_pb2.SEAT_VERDICT_FIRST, common_pb2.SEAT_VERDICT_NONE],
        "draw": [65_536, 20_000],
        "kind": [common_pb2.CELL_KIND_VOTE, common_pb2.CELL_KIND_CANARY],
    }
    return judge_dispatcher_pb2.ListVotesResponse(**{**columns, **changes})  # type: ignore[arg-type]


def test_votes_are_read_by_column() -> None:
    first, second = peer_messages.votes(batch())
    assert (first.pair, first.judge, first.query_id) == (("alpha@1", "beta@1"), "gamma@1", "q1")
    assert (first.outcome, first.cost_nano_units, first.currency) == (Outcome.B, 7, "USD")
    assert (first.draw, first.kind, first.a_first, first.b_first) == (65_536, "VOTE", "SECOND", "FIRST")
    assert (second.cell_id, second.attempt, second.outcome, second.currency) == ("c2", 2, Outcome.FAILED, "")
    assert (second.draw, second.kind, second.a_first, second.b_first) == (20_000, "CANARY", "NONE", "NONE")


def test_votes_that_cannot_be_read_are_not_guessed() -> None:
    with pytest.raises(ValueError, match="is shorter than"):
        list(peer_messages.votes(batch(judge=[2])))
    with pytest.raises(ValueError, match="cell c1 has outcome 0"):
        list(peer_messages.votes(batch(outcome=[0, 1])))
    with pytest.raises(ValueError, match="cell c1 has kind 0"):
        list(peer_messages.votes(batch(kind=[0, 1])))


def test_a_cell_is_sent_as_it_is() -> None:
    cell = Cell("c1", 2, "q1", "hash of q1", Pair("a@1", "a@1"), "one", "other", "j@1", "template", "parameters")
    told = peer_messages.cell_message(cell)
    assert (told.model_a, told.answer_hash_b, told.judge) == ("a@1", "other", "j@1")
    assert (told.draw, told.kind, told.seat_policy) == (
        65_536,
        common_pb2.CELL_KIND_VOTE,
        common_pb2.SEAT_POLICY_BOTH,
    )
    told = peer_messages.cell_message(cell._replace(draw=7, kind="CANARY", seat_policy="SINGLE"))
    assert (told.draw, told.kind, told.seat_policy) == (
        7,
        common_pb2.CELL_KIND_CANARY,
        common_pb2.SEAT_POLICY_SINGLE,
    )


def test_a_boards_order_is_without_those_who_are_retired() -> None:
    rows = [
        scorer_pb2.BoardRow(
            model="b@1", rank=1, judge_weight=70_000, strength=0.123456789, strength_low=-1.0, strength_high=2.919927969
        ),
        scorer_pb2.BoardRow(model="a@1", rank=2, judge_weight=61_072),
        scorer_pb2.BoardRow(model="c@1", retired=True),
    ]
    found = peer_messages.board(scorer_pb2.Board(board_version=3, board_digest="d", rows=rows))
    assert (found.version, found.digest, found.order) == (3, "d", ("b@1", "a@1"))
    assert found.weights == {"b@1": 70_000, "a@1": 61_072}
    # Whole billionths, of who has retired too; the error is the one of which 95 % are within the interval.
    assert found.strengths == {"b@1": 123_456_789, "a@1": 0, "c@1": 0}
    assert found.errors == {"b@1": 1_000_000_000, "a@1": 0, "c@1": 0}


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_shares_are_whole_even_and_make_up_the_total(total: int, count: int) -> None:
    models = [f"m{number}@1" for number in range(count)]
    shares = [share_of(total, models, model) for model in models]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1
    assert [shares_of({"USD": total}, models, model)["USD"] for model in models] == shares


def record(phase: InsertionPhase, rank: int = 0, **fields: object) -> InsertionRecord:
    insertion = Insertion("a@1", 3, phase, (2, 3), rank)
    return replace(
        InsertionRecord(insertion, THEN, THEN if rank else None, 40, {"USD": 70}, "00-trace", 1),
        **fields,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("phase", "rank", "shown"),
    [
        (Seeding(), 0, (pb.INSERTION_PHASE_SEEDING, 0, 0, 0)),
        (Coarse(2, 5), 0, (pb.INSERTION_PHASE_COARSE, 2, 5, 0)),
        (Fine(4, 1, 2), 0, (pb.INSERTION_PHASE_FINE, 4, 4, 2)),
        (Settled(4, 2), 0, (pb.INSERTION_PHASE_FINE, 4, 4, 2)),  # its board is not there yet
        (Settled(4, 2), 5, (pb.INSERTION_PHASE_SETTLED, 4, 4, 2)),
        (Withdrawn(), 0, (pb.INSERTION_PHASE_WITHDRAWN, 0, 0, 0)),
    ],
)
def test_an_insertion_shows_where_it_is(phase: InsertionPhase, rank: int, shown: tuple[int, ...]) -> None:
    message = insertion_message(ALGEBRA, record(phase, rank), waiting_reason="WAITING(x)")
    assert (message.phase, message.low, message.high, message.slides) == shown
    assert message.rank == rank
    is_over = bool(rank) or isinstance(phase, Withdrawn)
    assert message.waiting_reason == ("" if is_over else "WAITING(x)")
    assert message.HasField("settle_time") == bool(rank)
    assert (message.judge_calls, message.cost.currency, message.cost.nano_units) == (40, "USD", 70)


def test_an_insertion_shows_its_share_of_the_open_round() -> None:
    progress = Progress(3, outcomes=7, judge_calls=15, cost_nano_units=100, currency="USD")
    message = insertion_message(ALGEBRA, record(Seeding()), open_round=(12, progress), served=("z@1", "a@1"))
    assert (message.cells_total, message.cells_done) == (12, 7)
    assert message.judge_calls == 40 + 7
    assert message.cost.nano_units == 70 + 50


def test_a_decision_is_told_with_its_content() -> None:
    content = {"models": ["a@1"], "weights": {"a@1": 65_536}, "settles": True}
    message = decision_message(Decision(4, DecisionKind.ROUND_CLOSED, "a@1", 2, content), THEN)
    assert (message.number, message.kind, message.round) == (4, pb.DECISION_KIND_ROUND_CLOSED, 2)
    assert json_format.MessageToDict(message.content) == content
    assert message.time.ToDatetime(UTC) == THEN
    names = set(pb.DecisionKind.keys())
    assert all(f"DECISION_KIND_{kind}" in names for kind in DecisionKind)


def test_of_several_currencies_the_largest_sum_is_told() -> None:
    told = money({"EUR": 5, "USD": 9})
    assert (told.currency, told.nano_units) == ("USD", 9)
    assert money({}).nano_units == 0
