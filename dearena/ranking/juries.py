"""The policies by which pairs are decided, by name. Pure."""

from collections.abc import Mapping
from typing import Final

from dearena.faults import InvalidField
from dearena.ranking.exhaustive import exhaustive
from dearena.ranking.jury import Jury
from dearena.ranking.sequential import sequential

JURIES: Final[Mapping[str, Jury]] = {"sequential": sequential, "exhaustive": exhaustive}


def jury_named(name: str) -> Jury:
    """The policy of this name.

    Raises:
        InvalidField: there is none; says which there are.
    """
    try:
        return JURIES[name]
    except KeyError:
        raise InvalidField.of("ranking.jury", f"{name!r} is none of {', '.join(sorted(JURIES))}") from None
