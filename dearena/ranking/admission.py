"""Who comes next: a cohort in its order, as many at once as there is room for. Pure.

Models of one cohort are admitted in the order of registration, each only when every earlier one has its answers, has
failed or is retired, and a wave at a time: the next members come when those before them have their places. So it does
not matter whose answers came first. In which wave a model comes may depend on when it was registered; the log says
it, and all else follows from the log. Cohorts do not wait for one another.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dearena.ranking.entrants import Entrant, EntrantState

_POSSIBLE = (EntrantState.COLLECTING, EntrantState.READY)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may come in now.

    Attributes:
        ready: to be admitted, in order.
        awaited: models whose answers somebody's admission waits for, their own or that of their cohort.
    """

    ready: tuple[Entrant, ...] = ()
    awaited: tuple[str, ...] = ()


def next_admissions(
    entrants: Iterable[Entrant], admitted: Collection[str], inserting: Collection[str], room: int
) -> Admission:
    """Who may be admitted between two rounds.

    Args:
        entrants: in the order of registration.
        admitted: model revisions that were admitted before.
        inserting: cohorts of which a wave is being inserted.
        room: so many at the most.
    """
    waves: dict[str, list[Entrant]] = {}
    for entrant in entrants:
        if entrant.model not in admitted and entrant.state in _POSSIBLE and entrant.cohort not in inserting:
            waves.setdefault(entrant.cohort, []).append(entrant)
    ready: list[Entrant] = []
    awaited: list[str] = []
    for members in waves.values():
        wave = members[: max(room - len(ready), 0)]
        collecting = [entrant.model for entrant in wave if entrant.state is EntrantState.COLLECTING]
        awaited += collecting[:1]
        if not collecting:
            ready += wave
    return Admission(tuple(ready), tuple(awaited))


def waiting(entrants: Iterable[Entrant], admitted: Collection[str]) -> tuple[str, ...]:
    """Models that are not admitted and may be one day, in the order of registration."""
    return tuple(one.model for one in entrants if one.model not in admitted and one.state in _POSSIBLE)
