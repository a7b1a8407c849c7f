"""Who may judge in a dimension, as its makers declare it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dearena.faults import FieldViolation

MAX_PROVIDERS: Final = 100


@dataclass(frozen=True, slots=True)
class JudgingPolicy:
    """Who may judge; as in query_selector.proto."""

    exclude_family: bool = False
    judge_providers: tuple[str, ...] = ()


OPEN: Final = JudgingPolicy()
"""Whoever may enter judges all others."""


def violations(policy: JudgingPolicy, allowed_providers: Sequence[str], field: str) -> list[FieldViolation]:
    """What is wrong with a policy; a judge must be one that may enter."""
    path = f"{field}.judge_providers"
    wrong = wrong_providers(policy.judge_providers, path)
    if allowed_providers:
        wrong += [
            FieldViolation(path, f"{one!r} is none of dimension.allowed_providers, so that its models never enter")
            for one in policy.judge_providers
            if one.strip() and one not in allowed_providers
        ]
    return wrong


def wrong_providers(providers: Sequence[str], field: str) -> list[FieldViolation]:
    """What is wrong with a list of providers: each is named once, as its models name it."""
    if len(providers) > MAX_PROVIDERS:
        return [FieldViolation(field, f"names more than {MAX_PROVIDERS} providers")]
    wrong = [FieldViolation(field, f"entry {at} is empty") for at, one in enumerate(providers, 1) if not one.strip()]
    twice = sorted({one for one in providers if providers.count(one) > 1})
    return wrong + [FieldViolation(field, f"{one!r} stands twice") for one in twice]
