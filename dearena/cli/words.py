"""Numbers, money and states as people read them. Pure."""

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import Message

from dearena.plain import enum_name
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2, ranker_pb2, scorer_pb2

NANO: Final = 1_000_000_000
WEIGHT_PARTS: Final = 65_536
"""A judge of mean weight has so many parts."""


def money(amount: common_pb2.Money) -> str:
    """`USD 0.0123`: at least two decimals, and as many as a small amount needs; the number alone without a currency."""
    if not amount.nano_units:
        return "0"
    whole, rest = divmod(amount.nano_units, NANO)
    decimals = f"{rest:09}"
    significant = len(decimals) - len(decimals.lstrip("0")) + 2 if not whole else 2
    shown = round(amount.nano_units / NANO, max(2, min(9, significant)))
    return f"{amount.currency} {shown:,.{max(2, min(9, significant))}f}".lstrip()


def share(weight: int) -> str:
    """A judge's weight where the mean is 1.00."""
    return f"{weight / WEIGHT_PARTS:.2f}"


def rank(place: int, low: int, high: int) -> str:
    """`7 (6-9)`: a rank and what it may be; `7` where that is sure, or was not kept; `retired` for 0."""
    if not place:
        return "retired"
    return str(place) if low == high else f"{place} ({low}-{high})"


def from_to(low: int, high: int) -> str:
    """`2 to 5`; one number where they are the same."""
    return str(low) if low == high else f"{low} to {high}"


def percent(share: float, digits: int = 0) -> str:
    """`62 %`; a share that is not quite all or nothing is not rounded to that."""
    shown = f"{100 * share:.{digits}f}"
    smallest = 10.0**-digits
    if float(shown) == 0 < share:
        return f"< {smallest:g} %"
    if float(shown) == 100 and share < 1:  # noqa: PLR2004
        return f"> {100 - smallest:g} %"
    return f"{shown} %"


def settings(made: scorer_pb2.ScoringSettings) -> str:
    """`weights reliability · ties half · flips leave`; empty where they were not kept."""
    named = {"weights": made.weighting, "ties": made.ties, "flips": made.flips}
    return joined(f"{name} {value}" for name, value in named.items() if value)


def outcomes(counts: scorer_pb2.OutcomeCounts) -> str:
    """`A 310 · B 290 · TIE 12`, without the kinds that did not occur."""
    named = ((field.name.upper(), getattr(counts, field.name)) for field in counts.DESCRIPTOR.fields)
    return " · ".join(f"{name} {count:,}" for name, count in named if count) or "none yet"


def places(insertion: ranker_pb2.Insertion) -> str:
    """The places, from 1, that a newcomer may still take; one when it has been found."""
    match insertion.phase:
        case ranker_pb2.INSERTION_PHASE_SEEDING:
            return "among the seeds"
        case ranker_pb2.INSERTION_PHASE_WITHDRAWN:
            return ""
    if insertion.rank:
        known = insertion.rank_low or insertion.rank
        told = f"place {rank(insertion.rank, known, insertion.rank_high or insertion.rank)}"
        return f"{told}, provisional" if insertion.provisional else told
    first, last = insertion.low + 1, insertion.high + 1
    return f"place {first}" if first >= last else f"places {first} to {last}"


def phase(insertion: ranker_pb2.Insertion) -> str:
    """`coarse`, `fine`, `settled` …"""
    return _state(insertion, "phase")


def model_state(model: gateway_pb2.Model) -> str:
    """`active`, `retired`, `waiting for bus`."""
    return _state(model, "state")


def dimension_state(dimension: query_selector_pb2.Dimension) -> str:
    """`ready`, `waiting for bus`."""
    return _state(dimension, "state")


def selection_stage(selection: query_selector_pb2.SelectionProgress) -> str:
    """`piloting`, `done`."""
    return _state(selection, "stage")


def version(dimension_version: int) -> str:
    """`version 2`, of a dimension; empty where it was not kept."""
    return f"version {dimension_version}" if dimension_version else ""


def budget_state(budget: gateway_pb2.Budget) -> str:
    """`open`, `exhausted`."""
    return _state(budget, "state")


def _state(message: Message, field: str) -> str:
    name = enum_name(message.DESCRIPTOR.fields_by_name[field], getattr(message, field))
    return name.replace("_", " ").lower()


def slug(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def joined(parts: Iterable[str]) -> str:
    """The parts that say something, set apart."""
    return " · ".join(part for part in parts if part)
