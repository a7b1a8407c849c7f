"""arena.yaml: what it means, and where it is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from dearena.client import ArenaFile, read_arena_file
from dearena.faults import InvalidField

WHOLE = """\
project: research
models:
  - slug: kappa
    display_name: Kappa 7B
    provider: in-house
    family: kappa
    labels: {team: core}
    endpoint: {base_url: "http://127.0.0.1:8000/v1", upstream_model: kappa-7b, key_reference: "env:KAPPA"}
    answer_parameters: {temperature: 0.7, max_tokens: 512, extra_body: {top_k: 20}}
    concurrency: 4
    timeout_seconds: 30
    price: {per_million_input_tokens: 0.15, per_million_output_tokens: "0.60"}
    may_judge: false
  - slug: lambda
    endpoint: {base_url: "http://127.0.0.1:8001/v1", upstream_model: lambda}
dimensions:
  - slug: algebra
    pool: pools/algebra.jsonl
    selection: {k: 24, seed: 18446744073709551615}
    ranking: {seed_models: 3, jury: sequential, error: 0.01, target_cost: 0.50 USD, seats: single}
    allowed_providers: [in-house]
"""

ENDPOINT = "{base_url: x, upstream_model: y}\n"


def read(directory: Path, content: str | bytes) -> ArenaFile:
    path = directory / "arena.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_arena_file(path)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "pools").mkdir()
    (pool := tmp_path / "pools" / "algebra.jsonl").write_text("")
    found = read(tmp_path, WHOLE)
    assert found.project == "research"
    kappa, other = found.models
    assert (kappa.slug, kappa.labels, kappa.timeout_seconds, kappa.may_judge) == ("kappa", {"team": "core"}, 30, False)
    assert kappa.price is not None
    assert (kappa.price.currency, kappa.price.per_million_input_tokens) == ("USD", Decimal("0.15"))
    assert kappa.answer_parameters is not None
    assert kappa.answer_parameters.extra_body == {"top_k": 20}
    assert (other.slug, other.may_judge, other.price) == ("lambda", True, None)
    (algebra,) = found.dimensions
    assert algebra.pool == pool
    assert (algebra.selection.k, algebra.selection.seed, algebra.ranking.seed_models) == (24, 2**64 - 1, 3)
    ranking = algebra.ranking
    assert (ranking.jury, ranking.error, ranking.target_cost, ranking.seats) == (
        "sequential",
        0.01,
        "0.50 USD",
        "single",
    )


def test_a_cohort_is_the_list_of_models_and_nothing_else(tmp_path: Path) -> None:
    def models(*slugs: str, url: str = "http://x") -> ArenaFile:
        lines = [f"  - slug: {slug}\n    endpoint: {{base_url: '{url}', upstream_model: x}}\n" for slug in slugs]
        return read(tmp_path, "models:\n" + "".join(lines))

    cohorts = {models(*slugs).cohort() for slugs in (("a", "b"), ("b", "a"), ("a",), ("a", "b", "c"))}
    assert len(cohorts) == 4
    assert models("a", "b").cohort() == models("a", "b", url="http://y").cohort()
    assert models("a").cohort("default") != models("a").cohort("research")


@pytest.mark.parametrize(
    ("content", "field", "description"),
    [
        ("models: [\n", "arena.yaml:2", "is not YAML"),
        ("models:\n\t- slug: a\n", "arena.yaml:2", "is not YAML"),
        (b"models: \xff\n", "arena.yaml", "is not YAML"),
        ("", "arena.yaml", "must hold `models` and `dimensions`"),
        ("- slug: a\n", "arena.yaml", "must hold `models` and `dimensions`"),
        ("model:\n  - slug: a\n", "arena.yaml:1", "model: extra inputs are not permitted"),
        ("models:\n  - slug: a\n", "arena.yaml:2", "models[0].endpoint: field required"),
        (
            "models:\n  - slug: a\n    endpoint:\n      base_url: http://x\n",
            "arena.yaml:3",
            "models[0].endpoint.upstream_model: field required",
        ),
        (
            "models:\n\n  - slug: GPT 5\n    endpoint: {base_url: x, upstream_model: y}\n",
            "arena.yaml:3",
            "models[0].slug: 'GPT 5' is not a slug",
        ),
        (
            "models:\n  - slug: a\n    slug: b\n    endpoint: {base_url: x, upstream_model: y}\n",
            "arena.yaml:3",
            "'slug' is said twice",
        ),
        (
            "models:\n  - &a\n    slug: a\n    endpoint: {base_url: x, upstream_model: y}\n  - *a\n",
            "arena.yaml:3",
            "models[1].slug: 'a' is declared twice",
        ),
        (
            "models:\n  - slug: a\n    price:\n      per_million_input_tokens: 1.0e-10\n    endpoint: " + ENDPOINT,
            "arena.yaml:4",
            "models[0].price.per_million_input_tokens: must be from 0 to 1,000,000, with at most nine decimals",
        ),
        (
            "models:\n  - slug: a\n    endpoint: {base_url: x, upstream_model: y}\n    timeout_seconds: soon\n",
            "arena.yaml:4",
            "models[0].timeout_seconds: input should be a valid number",
        ),
        (
            "models:\n  - slug: a\n    judge_parameters:\n      extra_body: {since: 2026-11-24}\n    endpoint: "
            + ENDPOINT,
            "arena.yaml:4",
            "models[0].judge_parameters.extra_body: no canonical JSON",
        ),
        (
            "models:\n  - slug: a\n    judge_parameters:\n      extra_body: &a {b: *a}\n    endpoint: " + ENDPOINT,
            "arena.yaml:4",
            "models[0].judge_parameters.extra_body: no canonical JSON",
        ),
        ("a: &a [*a]\n", "arena.yaml:1", "a: extra inputs are not permitted"),
        (
            "dimensions:\n  - slug: a\n    selection: {k: 3}\n    pool: nowhere.jsonl\n",
            "arena.yaml:4",
            "dimensions[0].pool: there is no file",
        ),
        (
            "dimensions:\n  - slug: a\n    pool: x\n    selection: {k: 0}\n",
            "arena.yaml:4",
            "dimensions[0].selection.k: input should be greater than or equal to 1",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, content: str | bytes, field: str, description: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        read(tmp_path, content)
    (violation,) = caught.value.violations
    assert (violation.field, violation.description[: len(description)]) == (field, description)
    assert f"{field}: {description}" in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "description"),
    [
        ("error: 0.6", "error: input should be less than or equal to 0.5"),
        ("error: .nan", "error: input should be"),
        ("error: -0.1", "error: input should be greater than or equal to 0"),
        ("cap: -1", "cap: input should be greater than or equal to 0"),
        ("most_rounds: 4294967296", "most_rounds: input should be less than"),
        ("target_calls: few", "target_calls: input should be a valid integer"),
        ("target_rank_width: 1.5", "target_rank_width: input should be a valid integer"),
        ("target_cost: 0.5", "target_cost: input should be a valid string"),
        ("target_cost: half a dollar", "target_cost: 'half a dollar' is not an amount such as '0.50 USD'"),
        ("seats: three", "seats: input should be '', 'both' or 'single'"),
        ("canary_every: -1", "canary_every: input should be greater than or equal to 0"),
        ("patience: 3", "patience: extra inputs are not permitted"),
    ],
)
def test_a_ranking_that_cannot_be_is_told_with_its_line(tmp_path: Path, setting: str, description: str) -> None:
    (tmp_path / "x.jsonl").write_text("")
    with pytest.raises(InvalidField) as caught:
        read(
            tmp_path,
            "dimensions:\n"
            "  - slug: a\n"
            "    pool: x.jsonl\n"
            "    selection: {k: 3}\n"
            "    ranking:\n"
            "      window: 1\n"
            f"      {setting}\n",
        )
    (violation,) = caught.value.violations
    assert violation.field == "arena.yaml:7"
    assert violation.description.startswith(f"dimensions[0].ranking.{description}")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidField) as caught:
        read(tmp_path, "models:\n  - slug: A\n    may_judge: perhaps\n    colour: red\n")
    assert [one.field for one in caught.value.violations] == [f"arena.yaml:{line}" for line in (2, 2, 3, 4)]


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"arena\.yaml"):
        read_arena_file(tmp_path / "arena.yaml")
