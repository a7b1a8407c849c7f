"""What a caller says of the pilot by which a dimension's queries are chosen: checked before anybody is asked. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from dearena.faults import FieldViolation
from dearena.names import InvalidName, check_slug
from services.query_selector.ranking_settings import Money, wrong_cost

LEAST_MODELS: Final = 3
"""Of a pilot: the two of a comparison, and a judge."""
MOST_MODELS: Final = 100
MOST_CALLS: Final = 10_000_000
"""More is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class PilotSettings:
    """As `PilotSettings` of the contract; zeros, None and an empty list leave it to the pilot.

    Attributes:
        models: slugs.
        calls: of judges, at most.
        budget: of answers and judging together.
        queries: that are looked at, at most.
    """

    models: tuple[str, ...] = ()
    calls: int = 0
    budget: Money | None = None
    queries: int = 0


UNSAID: Final = PilotSettings()
CALLS_A_CELL: Final = {"BOTH": 2, "SINGLE": 1}
"""By the seats in which a judge sees two answers."""


def violations(
    pilot: PilotSettings, k: int, seats: str, only_models: Sequence[str], field: str
) -> list[FieldViolation]:
    """What is wrong with it, field by field.

    Args:
        pilot: as somebody asks for it.
        k: queries that are to be chosen.
        seats: in which a judge sees two answers; others than those of CALLS_A_CELL are told elsewhere.
        only_models: that alone may enter the dimension; empty: all.
        field: under which it stands.
    """
    found = wrong_models(pilot.models, f"{field}.models", MOST_MODELS)
    if 0 < len(set(pilot.models)) < LEAST_MODELS:
        found.append(FieldViolation(f"{field}.models", f"names {len(set(pilot.models))}; a pilot takes {LEAST_MODELS}"))
    if only_models and (outside := sorted(set(pilot.models) - set(only_models))):
        found.append(FieldViolation(f"{field}.models", f"may not enter, by only_models: {', '.join(outside)}"))
    elif 0 < len(only_models) < LEAST_MODELS:
        found.append(
            FieldViolation(
                f"{field}.models", f"only {len(only_models)} may enter, by only_models; a pilot takes {LEAST_MODELS}"
            )
        )
    least = k * CALLS_A_CELL.get(seats, 1)
    if 0 < pilot.calls < least:
        found.append(
            FieldViolation(f"{field}.calls", f"is {pilot.calls:,}; to compare once on {k:,} queries takes {least:,}")
        )
    if pilot.calls > MOST_CALLS:
        found.append(FieldViolation(f"{field}.calls", f"is {pilot.calls:,}; must be at most {MOST_CALLS:,}"))
    if 0 < pilot.queries < k:
        found.append(FieldViolation(f"{field}.queries", f"is {pilot.queries:,}, but {k:,} are to be chosen"))
    return found + (wrong_budget(pilot.budget, f"{field}.budget") if pilot.budget else [])


def wrong_budget(budget: Money, field: str) -> list[FieldViolation]:
    """What is wrong with what a pilot may cost."""
    wrong = wrong_cost(budget, field)
    if not budget.nano_units:
        wrong.append(FieldViolation(field, "is 0, and would pay nothing; leave it out for no limit"))
    return wrong


def wrong_models(slugs: Sequence[str], field: str, most: int) -> list[FieldViolation]:
    """What is wrong with a list of models' slugs."""
    if len(slugs) > most:
        return [FieldViolation(field, f"names {len(slugs):,} models; there can be {most:,}")]
    found = []
    for slug in dict.fromkeys(slugs):
        try:
            check_slug(slug)
        except InvalidName as error:
            found.append(FieldViolation(field, str(error)))
    doubles = sorted(slug for slug, times in Counter(slugs).items() if times > 1)
    return found + [FieldViolation(field, f"names {slug!r} twice") for slug in doubles]


def pilot_document(pilot: PilotSettings) -> dict[str, Any]:
    """As it is stored; empty where nothing is said."""
    return {} if pilot == UNSAID else asdict(pilot) | {"models": list(pilot.models)}


def pilot_of(document: Mapping[str, Any] | None) -> PilotSettings:
    """The inverse."""
    if not document:
        return UNSAID
    budget = document["budget"]
    return PilotSettings(
        models=tuple(document["models"]),
        calls=document["calls"],
        budget=Money(**budget) if budget else None,
        queries=document["queries"],
    )


def hashed(pilot: PilotSettings) -> list[Any]:
    """As it is hashed."""
    budget = [pilot.budget.currency, str(pilot.budget.nano_units)] if pilot.budget else None
    return [list(pilot.models), pilot.calls, budget, pilot.queries]
