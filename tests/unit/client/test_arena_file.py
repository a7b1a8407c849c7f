"""arena.yaml: what it means."""

from decimal import Decimal
from pathlib import Path

import pytest

from dearena.client import ArenaFile, declared, read_arena_file
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb

EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "arena.yaml"

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


def read(directory: Path, content: str | bytes) -> ArenaFile:
    path = directory / "arena.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_arena_file(path)


def test_questions_may_be_made_and_chosen_by_a_pilot(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """\
dimensions:
  - slug: geometry
    generate: {kind: geometry, size: 500, seed: 7, difficulty: 3}
    selection: {method: telling, k: 40, pilot: {models: [kappa, mu], calls: 900, budget: 5 USD, queries: 200}}
""",
    )
    (geometry,) = found.dimensions
    assert geometry.pool is None
    assert geometry.generate is not None
    made = geometry.generate
    assert (made.kind, made.size, made.seed, made.difficulty) == ("geometry", 500, 7, 3)
    message = declared.dimension_of(geometry, "projects/default/dimensions/geometry")
    assert message.selection == pb.Selection(
        method="telling",
        k=40,
        pilot=pb.PilotSettings(
            models=["kappa", "mu"],
            calls=900,
            queries=200,
            budget=common_pb2.Money(currency="USD", nano_units=5 * 10**9),
        ),
    )


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


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"arena\.yaml"):
        read_arena_file(tmp_path / "arena.yaml")


def test_what_is_said_once_is_merged_in_and_gone_before(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "x-hosted: &hosted {provider: hosted, family: one, concurrency: 3}\n"
        "x-plain: &plain {family: two, may_judge: false}\n"
        "models:\n"
        "  - {slug: a, <<: *hosted, family: own, endpoint: &e {base_url: 'http://x', upstream_model: y}}\n"
        "  - {<<: [*hosted, *plain], slug: b, endpoint: *e}\n",
    )
    told = [(m.slug, m.provider, m.family, m.concurrency, m.may_judge, m.endpoint.upstream_model) for m in found.models]
    assert told == [("a", "hosted", "own", 3, True, "y"), ("b", "hosted", "one", 3, False, "y")]


def test_a_template_and_a_rubric_are_read_from_files_beside(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text("")
    (tmp_path / "mine.txt").write_text("Which of {{answer_1}} and {{answer_2}}?\n", "utf-8")
    (tmp_path / "rubric.txt").write_text("Kürze zählt.", "utf-8")
    found = read(
        tmp_path,
        "dimensions:\n"
        "  - slug: d\n"
        "    pool: p.jsonl\n"
        "    selection: {k: 1}\n"
        "    judging: {template_file: mine.txt, rubric_file: rubric.txt, exclude_family: true,\n"
        "      judge_providers: [own]}\n",
    )
    judging = found.dimensions[0].judging
    assert judging.template_text == "Which of {{answer_1}} and {{answer_2}}?\n"
    assert (judging.rubric, judging.exclude_family, judging.judge_providers) == ("Kürze zählt.", True, ("own",))


def test_what_a_service_finds_wrong_is_pointed_at(tmp_path: Path) -> None:
    found = read(
        tmp_path, "models:\n  - slug: a\n    endpoint:\n      base_url: http://10.0.0.1\n      upstream_model: y\n"
    )
    place = ("models", 0, "endpoint", "base_url")
    told = found.violation(place, "is not public")
    assert (told.field, told.description) == ("arena.yaml:4:17", "models[0].endpoint.base_url: is not public")
    assert ArenaFile().violation(place, "is not public").field == "models[0].endpoint.base_url"


def test_the_example_is_in_order() -> None:
    found = read_arena_file(EXAMPLE)
    assert len(found.models) == 20
    assert len({model.endpoint.base_url for model in found.models}) == 8
    assert [key.key_reference for key in found.keys] == ["env:HOSTED_KEY", "file:/run/secrets/second-key"]
    large, small = found.models[:2]
    assert (large.provider, small.provider) == ("hosted", "hosted")
    assert large.price is not None
    assert small.price is not None
    dear, cheap = (price.per_million_output_tokens for price in (large.price, small.price))
    assert (dear, cheap) == (Decimal(10), Decimal("0.60"))
    assert found.dimensions[0].judging.exclude_family
