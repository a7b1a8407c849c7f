"""Boards as they stand in the store."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.scoring import FitSettings
from dearena.scoring.boards.pair_votes import matrices, pair_votes
from dearena.scoring.boards.vote_rows import Vote
from dearena.v1 import scorer_pb2
from services.scorer.documents import board_document, board_of, pairs_document, pairs_of
from services.scorer.messages import settings_message
from tests.unit.scoring.voted import made_of, votes


@given(rows=votes(), ties=st.sampled_from(["half", "davidson"]))
@settings(max_examples=20)
def test_what_is_read_back_is_what_was_written(rows: Sequence[Vote], ties: str) -> None:
    made = made_of(rows, settings=FitSettings(ties=ties))
    stored = json.loads(json.dumps(board_document(made.board)))
    assert board_of(stored) == made.board
    pairs = pairs_of(pairs_document(made.pairs))
    n = len(made.board.rows)
    assert matrices(pairs, n)[1] == matrices(made.pairs, n)[1]


def test_pairs_of_a_thousand_models_fit_into_a_document() -> None:
    lot = np.random.default_rng(0)
    half_wins = lot.integers(0, 80, (1_000, 1_000))
    np.fill_diagonal(half_wins, 0)
    half_wins = half_wins + (half_wins + half_wins.T) % 2 * np.triu(np.ones_like(half_wins), 1)
    document = pairs_document(pair_votes(half_wins, np.arange(1_000)))
    assert sum(map(len, document.values())) < 8 * 2**20


@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_settings_are_sent_whole(ties: str) -> None:
    fit_settings = FitSettings(weighting="rank", ties=ties, flips="half", prior_deviation=2.0)
    message = settings_message(fit_settings.echo())
    assert message is not None
    named = {field.name for field in scorer_pb2.ScoringSettings.DESCRIPTOR.fields} - {"constants"}
    sent = {name: getattr(message, name) for name in named} | dict(message.constants)
    assert sent == fit_settings.echo()
