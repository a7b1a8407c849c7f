"""What must hold of a model before it is stored; every fault of it is told at once. Pure."""

import json
from collections.abc import Iterator
from datetime import timedelta
from math import isfinite
from typing import Any

from dearena import identity
from dearena.faults import FieldViolation, InvalidField
from services.gateway.chat import REPLY_LIMIT_MEMBERS, RESERVED_MEMBERS, Parameters
from services.gateway.endpoints import InvalidBaseUrl, check_base_url
from services.gateway.key_references import KeyReference, MalformedKeyReference
from services.gateway.models import ModelSpec

MAX_TEXT = 256
MAX_SYSTEM_PROMPT = 65_536
MAX_LABELS = 64
MAX_NAMES = 64
MAX_CONCURRENCY = 1024
MAX_TIMEOUT = timedelta(hours=1)
MAX_DEADLINE = timedelta(hours=24)
MAX_SEED = 2**53 - 1
"""Larger integers have no canonical JSON."""


def check_spec(spec: ModelSpec) -> None:
    """Raises InvalidField with all violations, fields named as in RegisterModelRequest."""
    violations = [FieldViolation(f"model.{path}", problem) for path, problem in _problems(spec)]
    if violations:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)


def check_parameters(parameters: Parameters, path: str) -> None:
    """Raises InvalidField with all violations of generation parameters at `path`."""
    violations = [FieldViolation(field, problem) for field, problem in _parameter_problems(path, parameters)]
    if violations:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)


Problem = tuple[str, str]


def _problems(spec: ModelSpec) -> Iterator[Problem]:
    yield from _endpoint_problems(spec)
    for field in ("display_name", "provider", "family", "cohort"):
        if len(getattr(spec, field)) > MAX_TEXT:
            yield field, f"must have at most {MAX_TEXT} characters"
    if len(spec.labels) > MAX_LABELS or any(len(text) > MAX_TEXT for pair in spec.labels.items() for text in pair):
        yield "labels", f"must be at most {MAX_LABELS}, of at most {MAX_TEXT} characters each"
    if any("\0" in key for key in spec.labels):
        yield "labels", "must not hold NUL"
    yield from _parameter_problems("answer_parameters", spec.answer_parameters)
    yield from _parameter_problems("judge_parameters", spec.judge_parameters)
    if len(spec.system_prompt) > MAX_SYSTEM_PROMPT:
        yield "system_prompt", f"must have at most {MAX_SYSTEM_PROMPT} characters"
    if not 1 <= spec.concurrency <= MAX_CONCURRENCY:
        yield "concurrency", f"must be from 1 to {MAX_CONCURRENCY}"
    if not timedelta(milliseconds=1) <= spec.timeout <= MAX_TIMEOUT:
        yield "timeout", f"must be from 1 ms to {MAX_TIMEOUT.total_seconds():.0f} s"
    if spec.deadline is not None and not spec.timeout <= spec.deadline <= MAX_DEADLINE:
        yield "deadline", f"must be from the timeout to {MAX_DEADLINE.total_seconds():.0f} s"
    if spec.price is not None and (problem := spec.price.problem()):
        yield "price", problem


def _endpoint_problems(spec: ModelSpec) -> Iterator[Problem]:
    endpoint = spec.endpoint
    if not endpoint.base_url:
        yield "endpoint.base_url", "is required"
    else:
        try:
            check_base_url(endpoint.base_url)
        except InvalidBaseUrl as error:
            yield "endpoint.base_url", str(error)
    if not 1 <= len(endpoint.upstream_model) <= MAX_TEXT:
        yield "endpoint.upstream_model", f"is required, with at most {MAX_TEXT} characters"
    if endpoint.reply_limit_member not in ("", *REPLY_LIMIT_MEMBERS):
        yield "endpoint.reply_limit_member", f"must be one of {', '.join(REPLY_LIMIT_MEMBERS)}"
    if len(endpoint.answers_as) > MAX_NAMES or any(not 1 <= len(name) <= MAX_TEXT for name in endpoint.answers_as):
        yield "endpoint.answers_as", f"must be at most {MAX_NAMES} ids of at most {MAX_TEXT} characters"
    if endpoint.key_reference:
        try:
            KeyReference.parse(endpoint.key_reference)
        except MalformedKeyReference as error:
            yield "endpoint.key_reference", str(error)


def _parameter_problems(path: str, parameters: Parameters) -> Iterator[Problem]:
    temperature: Any = parameters.get("temperature", 0.0)
    if not isfinite(temperature) or temperature < 0:
        yield f"{path}.temperature", "must be a number from 0"
    top_p: Any = parameters.get("top_p", 1.0)
    if not 0 < top_p <= 1:
        yield f"{path}.top_p", "must be above 0 and at most 1"
    if parameters.get("max_tokens", 1) < 1:
        yield f"{path}.max_tokens", "must be at least 1"
    if "reasoning_tokens" in parameters and "max_tokens" not in parameters:
        yield f"{path}.reasoning_tokens", "needs max_tokens beside it: endpoints are sent their sum"
    if abs(parameters.get("seed", 0)) > MAX_SEED:
        yield f"{path}.seed", f"must be from {-MAX_SEED} to {MAX_SEED}"
    extra = parameters.get("extra_body", {})
    if reserved := sorted(RESERVED_MEMBERS & set(extra)):
        yield f"{path}.extra_body", f"must not hold {', '.join(reserved)}"
    if r"\u0000" in json.dumps(extra):
        yield f"{path}.extra_body", "must not hold NUL"
    try:
        identity.digest_of(dict(extra))
    except ValueError:
        yield f"{path}.extra_body", "must hold finite numbers only, integers below 2^53"
