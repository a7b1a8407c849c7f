"""`dearena why`: which votes make a number, and what a judge said, as people read it."""

from typing import Any

import pytest
from rich.console import Console

from dearena.canaries import truncation_hash
from dearena.cli import why, why_comparison, why_votes
from dearena.client import Vote
from dearena.faults import InvalidField, UnknownModel
from dearena.v1 import common_pb2, judge_dispatcher_pb2, scorer_pb2


def vote(outcome: str, **fields: object) -> Vote:
    known: dict[str, object] = {
        "sequence": 1,
        "round": 1,
        "cell_id": "ab12" + "0" * 60,
        "attempt": 1,
        "model_a": "alpha@1",
        "model_b": "beta@1",
        "judge": "gamma@1",
        "query_id": "q1",
        "judge_calls": 2,
        "cost_nano_units": 0,
        "currency": "",
    }
    return Vote(outcome=outcome, **(known | fields))  # type: ignore[arg-type]


def board(*, flips: str = "leave", suspended: bool = False) -> scorer_pb2.Board:
    return scorer_pb2.Board(
        dimension="projects/default/dimensions/algebra",
        board_version=3,
        settings=scorer_pb2.ScoringSettings(flips=flips),
        rows=[
            scorer_pb2.BoardRow(model="beta@2", rank=1, judge_weight=65_536),
            scorer_pb2.BoardRow(model="alpha@1", rank=2, rank_low=2, rank_high=2, votes=4, wins=2.5, rating=1010),
            scorer_pb2.BoardRow(model="beta@1", rank=3),
            scorer_pb2.BoardRow(model="gamma@1", rank=4, judge_weight=98_304, suspended=suspended),
        ],
    )


MATRICES = scorer_pb2.GetMatricesResponse(
    models=["beta@2", "alpha@1", "beta@1", "gamma@1"],
    comparisons=[0, 0, 0, 0, 0, 0, 3, 1, 0, 3, 0, 0, 0, 1, 0, 0],
    win_rate=[float("nan")] * 6 + [0.5, 1.0, float("nan"), 0.5] + [float("nan")] * 3 + [0.0] + [float("nan")] * 2,
)


@pytest.mark.parametrize(
    ("one", "wins", "why_not"),
    [
        (vote("A"), 1, ""),
        (vote("B"), 0, ""),
        (vote("TIE"), 0.5, ""),
        (vote("FLIP"), None, "FLIP decides nothing"),
        (vote("INVALID"), None, "INVALID decides nothing"),
        (vote("A", round=4), 1, "round 4 came after the board"),
    ],
)
def test_what_the_board_makes_of_a_vote(one: Vote, wins: float | None, why_not: str) -> None:
    (found,) = why_votes.told([one], board(), "alpha@1")
    assert (found.wins, found.why_not, found.counts, found.judge_weight) == (wins, why_not, not why_not, 1.5)
    (seen_by_other,) = why_votes.told([one], board(), "beta@1")
    assert seen_by_other.wins == (None if wins is None else 1 - wins)


def test_flips_count_as_ties_where_the_settings_say_so() -> None:
    (found,) = why_votes.told([vote("FLIP")], board(flips="half"), "alpha@1")
    assert (found.wins, found.counts) == (0.5, True)


def test_votes_of_suspended_judges_count_nothing() -> None:
    (found,) = why_votes.told([vote("A")], board(suspended=True), "alpha@1")
    assert (found.counts, found.why_not) == (False, "the judge is suspended")


def test_a_later_attempt_takes_the_place_of_an_earlier_once_the_board_knows_it() -> None:
    attempts = [vote("FAILED"), vote("A", attempt=2, round=2), vote("B", attempt=3, round=9)]
    found = why_votes.told(attempts, board(), "alpha@1")
    assert [one.why_not for one in found] == ["attempt 2 took its place", "", "round 9 came after the board"]


def test_a_pair_is_listed_by_judge_query_and_attempt_and_nothing_else_with_it() -> None:
    votes = [
        vote("A", query_id="q2", cell_id="c"),
        vote("FAILED", query_id="q1", cell_id="d"),
        vote("B", query_id="q1", cell_id="d", attempt=2),
        vote("A", query_id="q9", judge="beta@2", cell_id="e"),
        vote("A", model_b="gamma@1", cell_id="f"),
        vote("A", round=4, cell_id="g"),
    ]
    found = why_votes.of_pair(votes, board(), "alpha@1", "beta@1")
    told = [(one.vote.judge, one.vote.query_id, one.vote.attempt, one.counts) for one in found]
    assert told == [
        ("beta@2", "q9", 1, True),
        ("gamma@1", "q1", 1, False),
        ("gamma@1", "q1", 2, True),
        ("gamma@1", "q2", 1, True),
    ]
    assert why_votes.board_votes(MATRICES, "alpha@1", "beta@1") == 3
    text = shown(why.of_pair(board(), "alpha@1", "beta@1", found, 3))
    assert "3 of 4 outcomes count, 2.0 of them for alpha@1, as on the board" in text
    assert "attempt 2 took its place" in text
    assert "but the board counts 5" in shown(why.of_pair(board(), "alpha@1", "beta@1", found, 5))


def test_a_model_is_told_with_whom_it_met() -> None:
    row = why_votes.row_of(board(), "alpha")
    met = why_votes.opponents(MATRICES, board(), row.model)
    assert [(one.model, one.rank, one.votes, one.wins) for one in met] == [("beta@1", 3, 3, 1.5), ("gamma@1", 4, 1, 1)]
    text = shown(why.of_model(board(), row, met))
    assert "alpha@1: rank 2 of 4" in text
    assert "made of 4 votes, 2.5 of them won, on 2 opponents" in text
    assert "dearena why algebra alpha@1 beta@1" in text


def test_models_are_found_by_slug_and_are_two() -> None:
    assert why_votes.pair_of(board(), "alpha", "beta") == ("alpha@1", "beta@2")
    with pytest.raises(UnknownModel, match="nobody is not on board 3 of algebra"):
        why_votes.row_of(board(), "nobody")
    with pytest.raises(InvalidField, match="is alpha@1, and so is MODEL"):
        why_votes.pair_of(board(), "alpha", "alpha@1")


def test_cells_are_found_by_the_beginning_of_their_ids() -> None:
    cells = ["ab12" + "0" * 60, "ab13" + "0" * 60]
    assert why_votes.cell_named(cells, "ab12") == cells[0]
    with pytest.raises(InvalidField, match="no cell begins with 'cccc'"):
        why_votes.cell_named(cells, "cccc")
    with pytest.raises(InvalidField, match="'ab1' begins ab12"):
        why_votes.cell_named(cells, "ab1")
    assert why_votes.checked_prefix("AB12") == "ab12"
    for wrong in ("ab1", "wxyz", "a" * 65):
        with pytest.raises(InvalidField, match="first 4 to 64 hexadecimal digits"):
            why_votes.checked_prefix(wrong)
    assert why_comparison.short(["a" * 20 + "1", "a" * 20 + "2"]) == ["a" * 20 + "1", "a" * 20 + "2"]
    assert why_comparison.short(cells) == ["ab1200000000", "ab1300000000"]


def comparison() -> judge_dispatcher_pb2.Comparison:
    seat = judge_dispatcher_pb2.SeatRecord(
        first="beta@1",
        verdict=common_pb2.SEAT_VERDICT_UNREADABLE,
        request_id="r" * 64,
        transcript_hash="t" * 64,
        transcript="I prefer\x1b[2J the \u202efirst\nreally",
        usage=common_pb2.TokenUsage(input_tokens=1200, output_tokens=7),
        cost=common_pb2.Money(currency="USD", nano_units=1_250_000),
        reason="no nonce at the end",
        finish_reason="stop",
        reasoning_hash="h" * 64,
        reasoning="hm",
        prompt=[common_pb2.ChatMessage(role="user", content="Which?\nSay it.")],
        response_schema='{"type": "object"}',
    )
    seat.latency.FromMilliseconds(1230)
    erased = judge_dispatcher_pb2.SeatRecord(first="alpha@1", verdict=common_pb2.SEAT_VERDICT_FIRST)
    erased.transcript_hash = "e" * 64
    return judge_dispatcher_pb2.Comparison(
        cell=common_pb2.Cell(
            cell_id="c" * 64, attempt=2, query_id="q1", model_a="alpha@1", model_b="beta@1", judge="g@1"
        ),
        round=3,
        outcome=common_pb2.OUTCOME_INVALID,
        reason="one is unreadable",
        seats=[seat, erased],
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def test_a_comparison_is_told_whole_and_no_terminal_obeys_it() -> None:
    link = why_comparison.trace_link("http://127.0.0.1:16686/trace/{trace_id}", "0af7")
    text = why_comparison.rendered(comparison(), "nothing: INVALID decides nothing", trace_link=link)
    for part in (
        f"cell {'c' * 64} · attempt 2 · round 3",
        "outcome   INVALID: one is unreadable",
        "weighs    nothing: INVALID decides nothing",
        "trace     0af7651916cd43dd8448eb211c80319c · http://127.0.0.1:16686/trace/0af7",
        "call 1    beta@1 in the first seat, alpha@1 in the second",
        "verdict   UNREADABLE: no nonce at the end",
        "used      1,200 tokens in, 7 out · USD 0.0013 · 1.23 s",
        f"request   {'r' * 64}",
        f"reply {'t' * 64}:\n    | I prefer\\x1b[2J the \\u202efirst\n    | really",
        f"thinking {'h' * 64}, no part of the reply:\n    | hm",
        "call 2    alpha@1 in the first seat, beta@1 in the second",
        f"reply {'e' * 64}:\n    | (erased)",
    ):
        assert part in text
    assert "Which?" not in text
    assert "\x1b" not in text


def canary(*, cut: bool, single: bool = False, cell_id: str = "c" * 64) -> Any:
    return judge_dispatcher_pb2.Comparison(
        cell=common_pb2.Cell(
            cell_id=cell_id,
            model_a="alpha@1",
            model_b="alpha@1",
            answer_hash_a="a" * 64,
            answer_hash_b=truncation_hash("a" * 64) if cut else "a" * 64,
            kind=common_pb2.CELL_KIND_CANARY,
            seat_policy=common_pb2.SEAT_POLICY_SINGLE if single else common_pb2.SEAT_POLICY_BOTH,
        ),
        seats=[judge_dispatcher_pb2.SeatRecord(first="alpha@1")] * (1 if single else 2),
    )


def calls_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("call ")]


def test_of_a_canary_it_is_told_in_which_seat_the_answer_was_truncated() -> None:
    assert calls_of(why_comparison.rendered(canary(cut=True), "nothing")) == [
        "call 1    alpha@1, its answer truncated in the second seat, whole in the first",
        "call 2    alpha@1, its answer truncated in the first seat, whole in the second",
    ]
    assert calls_of(why_comparison.rendered(canary(cut=False), "nothing")) == [
        f"call {number}    the same answer of alpha@1 in both seats" for number in (1, 2)
    ]
    assert f"model B   alpha@1, the same answer truncated {truncation_hash('a' * 64)}" in why_comparison.rendered(
        canary(cut=True), "nothing"
    )
    for cell_id, cut in (("0" * 64, "second"), ("0" * 63 + "1", "first")):  # the whole one sits first, or not
        assert why_comparison.truncated_seats(canary(cut=True, single=True, cell_id=cell_id)) == [cut]
    assert why_comparison.truncated_seats(canary(cut=False)) == why_comparison.truncated_seats(comparison()) == ["", ""]


def test_a_template_is_told_by_name_and_hash() -> None:
    one = comparison()
    one.cell.template_hash = "f" * 64
    assert f"template  pairwise@1 · {'f' * 64}" in why_comparison.rendered(one, "one", template="pairwise@1")
    assert f"template  {'f' * 64}" in why_comparison.rendered(one, "one")


def test_prompts_are_told_when_asked_for() -> None:
    text = why_comparison.rendered(comparison(), "one", prompts=True)
    assert "prompt, user:\n    | Which?\n    | Say it." in text
    assert 'schema of the reply:\n    | {"type": "object"}' in text
    assert "prompt    is not to be had" in text
    changed = comparison()
    changed.seats[0].prompt_problem = "the template has changed"
    assert "prompt    the template has changed\nprompt, user:" in why_comparison.rendered(changed, "one", prompts=True)


def test_a_trace_is_linked_where_traces_are_shown() -> None:
    assert why_comparison.trace_link("http://t/trace", "0af7") == "http://t/trace/0af7"
    assert why_comparison.trace_link("", "0af7") == why_comparison.trace_link("http://t", "") == ""


def test_a_weight_says_how_the_judge_was_drawn() -> None:
    assert why_comparison.weight(1.5, 65_536, "") == "one vote of a judge of weight 1.50 (mean 1.00)"
    assert "drawn 0.50 times as often as evenly" in why_comparison.weight(1.5, 32_768, "")


def shown(part: object) -> str:
    console = Console(width=200, markup=False)
    with console.capture() as capture:
        console.print(part)
    return capture.get()
