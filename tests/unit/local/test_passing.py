"""A run's own state directory goes with it; the logs of a failed one are kept."""

import asyncio
import shutil
from pathlib import Path

import pytest

from dearena.local import passing


def test_nothing_is_left_of_a_run_that_went_well_or_was_interrupted() -> None:
    with passing.state("dearena-test-") as path:
        (path / "mongod").mkdir()
    assert not path.exists()
    with pytest.raises(asyncio.CancelledError), passing.state("dearena-test-") as path:
        raise asyncio.CancelledError
    assert not path.exists()


def test_a_failed_run_keeps_its_logs_and_says_where() -> None:
    with pytest.raises(LookupError) as failed, passing.state("dearena-test-") as path:
        (path / "logs").mkdir()
        (path / "mongod").mkdir()
        (path / "endpoints.json").touch()
        raise LookupError
    assert [entry.name for entry in path.iterdir()] == ["logs"]
    assert failed.value.__notes__ == [f"logs are kept in {path / 'logs'}"]
    shutil.rmtree(path)


def test_a_directory_that_somebody_has_named_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "mongod").mkdir()
    with pytest.raises(LookupError) as failed, passing.state("dearena-test-", instead=tmp_path) as path:
        raise LookupError
    assert path == tmp_path
    assert (path / "mongod").is_dir()
    assert not hasattr(failed.value, "__notes__")
