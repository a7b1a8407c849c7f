"""What goes wrong ends a command with one line and an exit code."""

import pytest

from dearena.cli import running
from dearena.faults import InvalidField


@pytest.mark.parametrize(
    ("text", "encoding", "line"),
    [
        ("é", "ascii", r"standard output is ascii, which has no '\xe9'; set PYTHONIOENCODING=utf-8"),
        ("\ud800", "utf-8", "an argument or a name in a file is not Unicode text"),
    ],
)
def test_a_letter_that_the_terminal_lacks_is_not_taken_for_a_broken_argument(
    text: str, encoding: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, running.told():
        text.encode(encoding)
    assert ended.value.code == 1
    assert line in capsys.readouterr().err.replace("\n", " ")


def test_a_command_may_have_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, running.told(2):
        raise InvalidField.of("share", "must be at most 1")
    assert ended.value.code == 2
    assert "must be at most 1" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended, running.told(2):
        raise KeyboardInterrupt
    assert ended.value.code == 130
