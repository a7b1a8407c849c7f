"""What earlier versions of the ranker wrote, folded by this one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dearena.ranking import decisions
from dearena.ranking.decisions import GATEWAY, Decision, DecisionKind
from dearena.ranking.entrants import Change
from dearena.ranking.frozen import Frozen
from dearena.ranking.insertion import Fine
from dearena.ranking.orders import Order
from dearena.ranking.ranking import replay
from dearena.ranking.verdict import ONE

OF_ALL: dict[str, Any] = {"cohort": "", "provider": "in-house", "family": "", "judge_parameters_hash": "", "ranked": 0}
SEEDED = {"role": "seed", "may_judge": True, **OF_ALL}
VERDICT = {"pair": ["a@1", "e@1"], "weights": [0, ONE], "votes": [0, 1], "others": 2}
FIRST_LOG: list[tuple[str, str, int, dict[str, Any]]] = [
    ("ADMITTED", "a@1", 0, SEEDED),
    ("ADMITTED", "b@1", 0, SEEDED),
    ("ADMITTED", "c@1", 0, SEEDED),
    (
        "ROUND_OPENED",
        "",
        1,
        {
            "models": ["a@1", "b@1", "c@1"],
            "pairs": [["a@1", "b@1"], ["a@1", "c@1"], ["b@1", "c@1"]],
            "judges": ["a@1", "b@1", "c@1"],
            "weights": dict.fromkeys(["a@1", "b@1", "c@1"], ONE),
            "cells": 3,
            "cells_digest": "1",
        },
    ),
    ("ROUND_CLOSED", "", 1, {"models": ["a@1", "b@1", "c@1"], "outcomes": {"A": 3}, "settles": True}),
    ("STEPPED", "", 1, {"models": ["a@1", "b@1", "c@1"], "verdicts": []}),
    ("SETTLED", "", 1, {"models": ["a@1", "b@1", "c@1"], "ranking": ["b@1", "a@1", "c@1"], "board_digest": "1"}),
    ("JUDGE_SUSPENDED", "c@1", 0, {"reason": "it may not judge"}),
    ("ADMITTED", "e@1", 0, {**SEEDED, "role": "newcomer", "ranked": 3}),
    (
        "ROUND_OPENED",
        "e@1",
        2,
        {
            "models": ["e@1"],
            "pairs": [["a@1", "e@1"]],
            "judges": ["b@1"],
            "weights": {"a@1": 70_000, "b@1": 61_072},
            "cells": 3,
            "cells_digest": "2",
        },
    ),
    ("ROUND_CLOSED", "e@1", 2, {"models": ["e@1"], "outcomes": {"B": 1, "FLIP": 2}, "settles": False}),
    (
        "STEPPED",
        "e@1",
        2,
        {
            "before": {"phase": "coarse", "low": 0, "high": 3},
            "after": {"phase": "coarse", "low": 0, "high": 1},
            "verdicts": [VERDICT],
        },
    ),
    (
        "STEPPED",
        "e@1",
        2,
        {
            "before": {"phase": "coarse", "low": 1, "high": 1},
            "after": {"phase": "fine", "place": 1, "width": 1, "slides": 0},
            "verdicts": [],
        },
    ),
]


def log_of(entries: Sequence[tuple[str, str, int, dict[str, Any]]]) -> list[Decision]:
    """As it comes from a store."""
    stored = json.loads(json.dumps(entries))
    return [
        Decision(n, DecisionKind(kind), model, at, content) for n, (kind, model, at, content) in enumerate(stored, 1)
    ]


def test_the_log_of_the_first_version_folds_to_what_it_meant() -> None:
    state = replay(log_of(FIRST_LOG))
    assert state.ranking == ("b@1", "a@1", "c@1")
    assert state.newcomers == ("e@1",)
    inserted = state.insertions["e@1"]
    assert (inserted.phase, inserted.rounds, inserted.interval) == (Fine(1, 1, 0), (2,), None)
    # Only the gateway could take somebody out of judging then.
    assert not state.suspended
    assert not state.admitted["c@1"].may_judge
    assert (state.refinement, state.health, state.orders, state.outdated) == (None, {}, 0, False)
    verdict = decisions.verdict_of(log_of(FIRST_LOG)[11].content["verdicts"][0])
    assert (verdict.winner, verdict.decided, verdict.error) == ("e@1", True, 0.0)


def test_a_round_that_the_first_version_opened_is_closed_by_the_weights_of_its_opening() -> None:
    state = replay(log_of(FIRST_LOG[:10]))
    assert state.open_round is not None
    assert state.open_round.frozen == Frozen({"a@1": 70_000, "b@1": 61_072})
    assert not state.open_round.refines


def test_the_log_of_the_first_version_goes_on_with_what_is_written_now() -> None:
    first = replay(log_of(FIRST_LOG))
    order = Order(1, DecisionKind.JUDGE_SUSPENDED, "c@1", "odd")
    now = replay([decisions.ordered(first.decisions + 1, order)], first)
    assert now.suspended == {"c@1"}
    assert now.admitted["c@1"] == replace(first.admitted["c@1"], suspended=True)
    again = Change("c@1", retired=False, may_judge=True, reason="")
    assert decisions.changed(1, again).content["by"] == GATEWAY
    assert not replay([decisions.changed(now.decisions + 1, again)], now).admitted["c@1"].judges
