"""What `dearena fit` says in words under a board, where numbers alone would mislead."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from dearena.cli.app import app


def notes_of(file: Path, votes: Sequence[tuple[str, str, str, str, str]], *arguments: str) -> list[str]:
    """The notes on votes of judge, model a, model b, query and winner."""
    names = ("judge", "model_a", "model_b", "query_id", "winner")
    file.write_text("".join(json.dumps(dict(zip(names, vote, strict=True))) + "\n" for vote in votes))
    result = CliRunner().invoke(app, ["fit", str(file), "--json", *arguments])
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    notes: list[str] = found["notes"]
    return notes


def test_judges_who_contradict_each_other_in_everything_are_said_to_be_taken_as_given(tmp_path: Path) -> None:
    votes = [(f"says {winner}", "a", "b", f"q{query:02d}", winner) for winner in ("a", "b") for query in range(40)]
    said = "the judges contradict one another too much to be learnt"
    assert any(note.startswith(said) for note in notes_of(tmp_path / "v.jsonl", votes, "--weights", "reliability"))
    assert not any(note.startswith(said) for note in notes_of(tmp_path / "v.jsonl", votes, "--weights", "uniform"))


def test_a_model_seen_on_few_questions_is_named(tmp_path: Path) -> None:
    winners = ("a", "b", "tie")
    votes = [
        (f"j{judge}", "alpha", "beta", f"q{query}", winners[(judge + query) % 3])
        for judge in range(4)
        for query in range(12)
    ]
    votes += [(f"j{judge}", "alpha", "newcomer", "q0", winners[judge % 3]) for judge in range(4)]
    (note,) = [note for note in notes_of(tmp_path / "v.jsonl", votes) if "questions, for which" in note]
    assert note.endswith("the interval is wide: newcomer")
