"""How answers are judged in a dimension and by whom, as its makers declare it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dearena.faults import FieldViolation
from dearena.judging import own
from dearena.judging.templates import OWN, TEMPLATES, Template, chosen
from services.query_selector.pool import Question

MAX_PROVIDERS: Final = 100


@dataclass(frozen=True, slots=True)
class JudgingPolicy:
    """As in query_selector.proto."""

    exclude_family: bool = False
    judge_providers: tuple[str, ...] = ()
    template_text: str = ""
    rubric: str = ""


OPEN: Final = JudgingPolicy()
"""Whoever may enter judges all others, by a template of the arena's."""


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


def wrong_template(name: str, policy: JudgingPolicy) -> list[FieldViolation]:
    """What is wrong with how answers are to be judged: the template named or brought, and its rubric."""
    if policy.template_text:
        if name not in ("", OWN):
            return [FieldViolation("dimension.template", "stands beside a template of the dimension's own")]
        if found := own.problems(policy.template_text):
            return [FieldViolation("dimension.judging.template_text", problem) for problem in found]
    elif name and name not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        return [FieldViolation("dimension.template", f"{name!r} is not known; there is: {known}")]
    return _wrong_rubric(chosen(name, policy.template_text), policy.rubric)


def _wrong_rubric(template: Template, rubric: str) -> list[FieldViolation]:
    problem = ""
    if template.needs_rubric and not rubric.strip():
        problem = f"is required by the template {template.id}"
    elif rubric and not template.needs_rubric:
        problem = f"is not shown by the template {template.id}"
    elif len(rubric) > own.TEXT_LONGEST:
        problem = f"is longer than {own.TEXT_LONGEST:,} characters"
    return [FieldViolation("dimension.judging.rubric", problem)] if problem else []


def without_reference(template: Template, queries: Sequence[Question]) -> list[FieldViolation]:
    """Queries that lack the reference that judges are to be shown, each by its line in the pool."""
    if not template.needs_reference:
        return []
    return [
        FieldViolation(f"pool line {query.line}", f"has no reference, which the template {template.id} shows to judges")
        for query in sorted(queries, key=lambda query: query.line)
        if not query.reference.strip()
    ]


def wrong_providers(providers: Sequence[str], field: str) -> list[FieldViolation]:
    """What is wrong with a list of providers: each is named once, as its models name it."""
    if len(providers) > MAX_PROVIDERS:
        return [FieldViolation(field, f"names more than {MAX_PROVIDERS} providers")]
    wrong = [FieldViolation(field, f"entry {at} is empty") for at, one in enumerate(providers, 1) if not one.strip()]
    twice = sorted({one for one in providers if providers.count(one) > 1})
    return wrong + [FieldViolation(field, f"{one!r} stands twice") for one in twice]
