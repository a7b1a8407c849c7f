"""A state directory for one run: gone after it, but for the logs of a run that failed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def state(prefix: str, *, instead: Path | None = None) -> Iterator[Path]:
    """A temporary state directory; an exception that passes is told where the logs are kept.

    Args:
        prefix: how its name begins.
        instead: a directory that somebody has named, and that stays.
    """
    if instead is not None:
        yield instead
        return
    path = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield path
    except Exception as error:
        for entry in path.iterdir():
            if entry.name != "logs":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        error.add_note(f"logs are kept in {path / 'logs'}")
        raise
    except BaseException:
        shutil.rmtree(path)
        raise
    shutil.rmtree(path)
