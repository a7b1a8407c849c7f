"""How answers are judged in a dimension and by whom, as its makers declare it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dearena.faults import FieldViolation
from dearena.judging import own
from dearena.judging.choice import Choice, choice_of, has_reference
from dearena.judging.templates import OWN, TEMPLATES
from dearena.pools.json_lines import Question

MAX_PROVIDERS: Final = 100
_OTHER: Final = "dimension.judging.template_without_reference"


@dataclass(frozen=True, slots=True)
class JudgingPolicy:
    """As in query_selector.proto."""

    exclude_family: bool = False
    judge_providers: tuple[str, ...] = ()
    template_text: str = ""
    rubric: str = ""
    template_without_reference: str = ""


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
    """What is wrong with how answers are to be judged: the templates named or brought, and their rubric."""
    if policy.template_text:
        if name not in ("", OWN):
            return [FieldViolation("dimension.template", "stands beside a template of the dimension's own")]
        if found := own.problems(policy.template_text):
            return [FieldViolation("dimension.judging.template_text", problem) for problem in found]
    elif name and name not in TEMPLATES:
        return [FieldViolation("dimension.template", _unknown(name))]
    other = policy.template_without_reference
    if other and other not in TEMPLATES:
        return [FieldViolation(_OTHER, _unknown(other))]
    choice = choice_of(name, policy.template_text, policy.rubric, other)
    return _wrong_other(choice) or _wrong_rubric(choice, policy.rubric)


def _unknown(name: str) -> str:
    return f"{name!r} is not known; there is: {', '.join(TEMPLATES)}"


def _wrong_other(choice: Choice) -> list[FieldViolation]:
    problem = ""
    if choice.without_reference is None:
        pass
    elif not choice.usual.needs_reference:
        problem = f"stands beside the template {choice.usual.id}, which needs no reference and judges every query"
    elif choice.without_reference.needs_reference:
        problem = f"names {choice.without_reference.id}, which needs a reference itself"
    return [FieldViolation(_OTHER, problem)] if problem else []


def _wrong_rubric(choice: Choice, rubric: str) -> list[FieldViolation]:
    templates = [one for one in (choice.usual, choice.without_reference) if one]
    needing = [one.id for one in templates if one.needs_rubric]
    problem = ""
    if needing and not rubric.strip():
        problem = f"is required by the template {needing[0]}"
    elif rubric and not needing:
        problem = f"is not shown by the template {' or '.join(one.id for one in templates)}"
    elif len(rubric) > own.TEXT_LONGEST:
        problem = f"is longer than {own.TEXT_LONGEST:,} characters"
    return [FieldViolation("dimension.judging.rubric", problem)] if problem else []


def without_reference(choice: Choice, queries: Sequence[Question]) -> list[FieldViolation]:
    """Queries that lack the reference that judges are to be shown, each by its line in the pool."""
    if not choice.usual.needs_reference or choice.without_reference is not None:
        return []
    problem = (
        f"has no reference, which the template {choice.usual.id} shows to judges; "
        "name a template for such queries (template_without_reference), or leave them out"
    )
    return [
        FieldViolation(f"pool line {query.line}", problem)
        for query in sorted(queries, key=lambda query: query.line)
        if not has_reference(query.reference)
    ]


def wrong_providers(providers: Sequence[str], field: str) -> list[FieldViolation]:
    """What is wrong with a list of providers: each is named once, as its models name it."""
    if len(providers) > MAX_PROVIDERS:
        return [FieldViolation(field, f"names more than {MAX_PROVIDERS} providers")]
    wrong = [FieldViolation(field, f"entry {at} is empty") for at, one in enumerate(providers, 1) if not one.strip()]
    twice = sorted({one for one in providers if providers.count(one) > 1})
    return wrong + [FieldViolation(field, f"{one!r} stands twice") for one in twice]
