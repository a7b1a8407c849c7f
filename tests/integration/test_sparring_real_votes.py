"""The recorded world on real answers and votes, which lie beside the repository and may be absent."""

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from dearena.sparring import records
from dearena.sparring.calls import Call, Completed, Purpose, Refused
from dearena.sparring.recorded import RecordedWorld
from tests.unit.sparring.prompts import NONCE, judging_prompt

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "multivac"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no ../shared/data/multivac beside the repository")

EVERY = 7
"""Every seventh vote is told through prompts in both seat orders; all of them would take long."""


@pytest.fixture(scope="module")
def world() -> RecordedWorld:
    return records.load(FOLDER)


def lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


def test_every_recorded_answer_is_given_again(world: RecordedWorld) -> None:
    answers = lines("answers")
    assert len(answers) > 1_000
    for answer in answers:
        reply = world.reply(Call(answer["model"], ("?",), answer["query_id"], Purpose.ANSWER))
        assert reply == Completed(answer["text"])


def test_recorded_votes_are_told_in_both_seat_orders(world: RecordedWorld) -> None:
    texts = {(answer["model"], answer["query_id"]): answer["text"] for answer in lines("answers")}
    seats = {"a": ("1", "2"), "b": ("2", "1"), "tie": ("TIE", "TIE")}
    told: Counter[str] = Counter()
    for vote in lines("votes")[::EVERY]:
        query, judge = vote["query_id"], vote["judge"]
        shown = texts[vote["model_a"], query], texts[vote["model_b"], query]
        for (first, second), expected in zip((shown, shown[::-1]), seats[vote["winner"]], strict=True):
            reply = world.reply(Call(judge, (judging_prompt(first, second),), query, Purpose.JUDGE))
            assert isinstance(reply, Completed), vote
            assert reply.text.endswith(f"VERDICT {NONCE}: {expected}"), vote
        told[vote["winner"]] += 1
    assert min(told.values()) > 100


def test_gaps_in_the_record_are_no_record(world: RecordedWorld) -> None:
    answers = lines("answers")
    texts = {(answer["model"], answer["query_id"]): answer["text"] for answer in answers}
    voted: dict[str, set[str]] = defaultdict(set)
    for vote in lines("votes"):
        voted[vote["query_id"]].add(vote["judge"])
    silent = [(model, query) for query in voted for model in world.models() if model not in voted[query]]
    assert silent
    for judge, query in silent[:200]:
        first, second = [text for (_, of), text in texts.items() if of == query][:2]
        reply = world.reply(Call(judge, (judging_prompt(first, second),), query, Purpose.JUDGE))
        assert isinstance(reply, Refused)
        assert (reply.status, reply.code) == (404, "no_record")
