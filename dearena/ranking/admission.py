"""Who comes next: one newcomer at a time, a cohort in its order. Pure.

Members of a cohort are admitted in the order of registration, each only when every earlier one has its
answers, has failed or is retired; so the log of a cohort does not depend on which answers came first.
Cohorts do not wait for one another.
"""

from collections.abc import Collection, Iterable, Iterator

from dearena.ranking.entrants import Entrant, EntrantState


def next_admission(entrants: Iterable[Entrant], admitted: Collection[str]) -> Entrant | None:
    """The first that may be admitted now; None when nobody may.

    Args:
        entrants: in the order of registration.
        admitted: model revisions that were admitted before.
    """
    return next((entrant for entrant in _heads(entrants, admitted) if entrant.state is EntrantState.READY), None)


def awaited(entrants: Iterable[Entrant], admitted: Collection[str]) -> tuple[str, ...]:
    """Models whose answers somebody's admission waits for, their own or that of their cohort."""
    return tuple(entrant.model for entrant in _heads(entrants, admitted) if entrant.state is EntrantState.COLLECTING)


def waiting(entrants: Iterable[Entrant], admitted: Collection[str]) -> tuple[str, ...]:
    """Models that are not admitted and may be one day, in the order of registration."""
    possible = (EntrantState.COLLECTING, EntrantState.READY)
    return tuple(one.model for one in entrants if one.model not in admitted and one.state in possible)


def _heads(entrants: Iterable[Entrant], admitted: Collection[str]) -> Iterator[Entrant]:
    """Of each cohort, those with nobody before them whose answers are still being collected."""
    held: set[str] = set()
    for entrant in entrants:
        if entrant.model in admitted or entrant.cohort in held:
            continue
        if entrant.state is EntrantState.COLLECTING:
            held.add(entrant.cohort)
        if entrant.state in (EntrantState.COLLECTING, EntrantState.READY):
            yield entrant
