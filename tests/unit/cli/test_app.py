"""The command line as a whole: what there is, and that each part can speak to programs."""

from collections.abc import Iterator
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from dearena.cli.app import app


def commands(group: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield " ".join((*names, name)), command


ALL = dict(commands(typer.main.get_command(app)))


def test_what_there_is() -> None:
    assert set(ALL) == {
        "up",
        "doctor",
        "register",
        "models ask-again",
        "models probe",
        "retire",
        "keys list",
        "keys limit",
        "budget list",
        "budget set",
        "budget remove",
        "ledger",
        "dimension create",
        "dimension list",
        "dimension show",
        "dimension selection",
        "dimension health",
        "dimension power",
        "dimension revise",
        "pool check",
        "pool convert",
        "apply",
        "leaderboard",
        "boards",
        "diff",
        "pairs",
        "judge attack",
        "judge templates",
        "judge preview",
        "judges",
        "what-if",
        "watch",
        "insertions",
        "votes export",
        "fit",
        "replay",
        "simulate",
        "quote",
        "explain",
        "audit",
        "why",
        "refine",
        "suspend",
        "reinstate",
    }


@pytest.mark.parametrize("name", ALL)
def test_each_command_explains_itself_and_speaks_json(name: str) -> None:
    result = CliRunner().invoke(app, [*name.split(), "--help"])
    assert result.exit_code == 0, result.output
    assert f"dearena {name}" in result.output
    assert "--json" in result.output


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["models", "extra"], ["leaderboard"], ["dimension", "create", "a", "b"], ["register", "x"]],
)
def test_a_command_that_is_not_one_is_a_usage_error(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == click.UsageError.exit_code
    assert "Usage: dearena" in result.stderr
