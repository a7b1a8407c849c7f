"""What a revision makes of a dimension: which queries leave, and which of the pool come in. Pure."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from dearena.faults import FieldViolation, InvalidField
from services.query_selector.pilot_votes import Question

LISTED: Final = 20
"""Wrong ids that are named, at most."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to change.

    Attributes:
        retire: ids of queries to take out.
        add: how many to put in.
    """

    retire: tuple[str, ...]
    add: int


@dataclass(frozen=True, slots=True)
class Versions:
    """A pool as its versions have used it.

    Attributes:
        current: ids of the newest version's queries.
        fresh: questions that were in no version, and may be judged, in id order.
    """

    current: frozenset[str]
    fresh: tuple[Question, ...]


def check(wish: Wish, versions: Versions) -> None:
    """Refuse what cannot be done, or changes nothing.

    Raises:
        InvalidField: a query is none of the version's, or stands twice; nothing would be left; the pool has not so many
            left; or nothing would change.
    """
    wrong: list[FieldViolation] = []
    unknown = [one for one in dict.fromkeys(wish.retire) if one not in versions.current]
    doubled = [one for one, times in Counter(wish.retire).items() if times > 1]
    wrong += [FieldViolation("retire", f"{one!r} is no query of the newest version") for one in unknown[:LISTED]]
    wrong += [FieldViolation("retire", f"{one!r} stands twice") for one in doubled[:LISTED]]
    if wish.add > len(versions.fresh):
        wrong.append(
            FieldViolation("add", f"is {wish.add:,}, but {len(versions.fresh):,} questions of the pool were never used")
        )
    if not wrong and not wish.retire and not wish.add:
        wrong.append(FieldViolation("retire", "nothing is to be retired and nothing to be added"))
    if not wrong and len(wish.retire) == len(versions.current) and not wish.add:
        wrong.append(FieldViolation("retire", "no query would be left"))
    if wrong:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in wrong), wrong)


def suggested(retire: Collection[str], add: int | None, versions: Versions) -> Wish:
    """What health suggests, as far as the pool has it.

    Where no number of queries within reason would tell more, those that are retired are replaced.
    """
    going = tuple(sorted(one for one in retire if one in versions.current))
    wanted = len(going) if add is None else add
    return Wish(going, min(wanted, len(versions.fresh)))
