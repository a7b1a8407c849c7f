"""How far a pool has come is said where it takes long, and only there."""

import pytest

from dearena.cli.pool_progress import PoolProgress
from dearena.client.pools import Stage
from tests.fixtures.waiting import eventually


async def test_what_takes_long_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []

    def is_told() -> bool:
        told.append(capsys.readouterr().err)
        return "uploading 1.0 of 4.0 MiB, 0 s" in "".join(told)

    with PoolProgress(seconds_a_line=0.01) as progress:
        progress(Stage.UPLOADING, 1 << 20, 4 << 20)
        await eventually(is_told)


def test_what_is_done_soon_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with PoolProgress() as progress:
        progress(Stage.READING)
        progress(Stage.STORING)
    assert capsys.readouterr() == ("", "")
