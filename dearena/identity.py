"""What makes a query, an answer, a cell or a call the same: SHA-256 of canonical JSON (RFC 8785).

Two services that name the same thing must hash it alike, so the rules stand here once. Pure.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

Digest = str
"""Lower-case hexadecimal SHA-256."""


def digest_of(value: Any) -> Digest:
    """Hash plain data (dicts, lists, strings, numbers, booleans, None).

    Raises:
        ValueError: the value has no canonical JSON, for example NaN or an integer beyond 2^53.
    """
    try:
        canonical = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"no canonical JSON: {error}") from error
    return hashlib.sha256(canonical).hexdigest()


def text_hash(text: str) -> Digest:
    """Hash of an answer's or a transcript's text in UTF-8.

    A lone surrogate, which some endpoints let through, is hashed as its escape.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def answer_hash(replies: Sequence[str]) -> Digest:
    """Identity of an answer by its replies, one a turn of the query.

    Of one reply it is the hash of its text; of several SHA-256 of the canonical JSON `["replies",h1,h2,…]` of theirs,
    so that replies which are cut in other places, though they read alike, are another answer.
    """
    hashes = [text_hash(reply) for reply in replies]
    return hashes[0] if len(hashes) == 1 else digest_of(["replies", *hashes])


def query_hash(query_id: str, turns: Sequence[str], reference: str, category: str) -> Digest:
    """Identity of a query. The id is part of it: the same question asked again is another query."""
    return digest_of({"id": query_id, "turns": list(turns), "reference": reference, "category": category})


def pool_hash(query_hashes: Sequence[Digest]) -> Digest:
    """Identity of a question pool: its queries' hashes in the order of the file."""
    return digest_of(list(query_hashes))


def cell_id(
    *,
    project: str,
    dimension: str,
    dimension_version: int,
    query_hash: Digest,
    model_a: str,
    model_b: str,
    answer_hash_a: Digest,
    answer_hash_b: Digest,
    judge: str,
    template_hash: Digest,
    judge_parameters_hash: Digest,
    seat_policy: str,
    kind: str,
) -> Digest:
    """Identity of a cell.

    It names the models as well as their answers: two models with equal answers are two contestants,
    though the calls behind their cells are the same and are paid once (see `judge_request_id`).
    """
    return digest_of(
        {
            "project": project,
            "dimension": dimension,
            "dimension_version": dimension_version,
            "query": query_hash,
            "models": [model_a, model_b],
            "answers": [answer_hash_a, answer_hash_b],
            "judge": judge,
            "template": template_hash,
            "judge_parameters": judge_parameters_hash,
            "seat_policy": seat_policy,
            "kind": kind,
        }
    )


def judge_request_id(
    *,
    judge: str,
    template_hash: Digest,
    judge_parameters_hash: Digest,
    query_hash: Digest,
    answer_hash_first: Digest,
    answer_hash_second: Digest,
    attempt: int,
    project: str,
    form: str = "",
) -> Digest:
    """Identity of one judge call: answers in seat order.

    `form` is the version of the form in which the verdict is asked for; empty, the line that came first, is left out.
    """
    return digest_of(
        {
            **({"form": form} if form else {}),
            "purpose": "judge",
            "project": project,
            "judge": judge,
            "template": template_hash,
            "judge_parameters": judge_parameters_hash,
            "query": query_hash,
            "answers": [answer_hash_first, answer_hash_second],
            "attempt": attempt,
        }
    )


def answer_request_id(*, model: str, parameters_hash: Digest, query_hash: Digest, attempt: int, project: str) -> Digest:
    """Identity of one answer call."""
    return digest_of(
        {
            "purpose": "answer",
            "project": project,
            "model": model,
            "parameters": parameters_hash,
            "query": query_hash,
            "attempt": attempt,
        }
    )


def parameters_hash(parameters: Mapping[str, Any], system_prompt: str = "") -> Digest:
    """Identity of generation parameters, absent ones left out."""
    return digest_of({"parameters": dict(parameters), "system_prompt": system_prompt})
