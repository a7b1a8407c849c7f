"""Files that a dimension is made of."""

from pathlib import Path

import pytest

from dearena.cli import dimension
from dearena.faults import InvalidField


def test_an_empty_template_is_not_taken_for_the_default(tmp_path: Path) -> None:
    empty = tmp_path / "template.txt"
    empty.write_text("\n", encoding="utf-8")
    with pytest.raises(InvalidField, match="is empty"):
        dimension._judging([], exclude_family=False, template=empty, without_reference="", rubric=None)
