"""Budgets of an arena file: what they mean, and what is wrong with one is pointed at."""

from pathlib import Path

import pytest

from dearena.client import ArenaFile, read_arena_file
from dearena.client.declared_budgets import budgets_of, called, key_of
from dearena.faults import InvalidField
from dearena.v1 import common_pb2, gateway_pb2

FILE = """\
models:
  - slug: kappa
    endpoint: {base_url: "http://127.0.0.1:8000/v1", upstream_model: kappa}
    budget: 2 USD
  - slug: lambda
    endpoint: {base_url: "http://127.0.0.1:8000/v1", upstream_model: lambda}
dimensions:
  - slug: algebra
    pool: pool.jsonl
    selection: {k: 4}
    budget: 5.000000001 EUR
    insertion_budget: 0.50 EUR
  - slug: coding
    pool: pool.jsonl
    selection: {k: 4}
    insertion_budget: 0 EUR
"""


def read(directory: Path, content: str) -> ArenaFile:
    (directory / "pool.jsonl").write_text("")
    (directory / "arena.yaml").write_text(content)
    return read_arena_file(directory / "arena.yaml")


def test_what_a_file_says_is_what_the_gateway_is_told(tmp_path: Path) -> None:
    found = list(budgets_of(read(tmp_path, FILE)))
    euros = [5_000_000_001, 500_000_000, 0]
    of_algebra, of_newcomers, of_coders, of_kappa = found
    assert [one.limit for one in found] == [
        *(common_pb2.Money(currency="EUR", nano_units=nano_units) for nano_units in euros),
        common_pb2.Money(currency="USD", nano_units=2_000_000_000),
    ]
    assert key_of(of_algebra) == (gateway_pb2.BUDGET_SCOPE_DIMENSION, "algebra", "")
    assert key_of(of_newcomers) == (gateway_pb2.BUDGET_SCOPE_INSERTION, "algebra", "")
    assert key_of(of_kappa) == (gateway_pb2.BUDGET_SCOPE_MODEL, "", "kappa")
    assert [called(one) for one in (of_algebra, of_coders, of_kappa)] == [
        "dimension algebra",
        "each insertion in coding",
        "model kappa",
    ]


@pytest.mark.parametrize("amount", ["5", "5 usd", "-1 USD", "0.0000000001 USD"])
def test_what_is_no_amount_is_pointed_at(tmp_path: Path, amount: str) -> None:
    with pytest.raises(InvalidField) as caught:
        read(tmp_path, FILE.replace("0.50 EUR", f'"{amount}"'))
    (violation,) = caught.value.violations
    assert violation.field == "arena.yaml:12:23"
    assert violation.description.startswith("dimensions[0].insertion_budget: ")
    assert "is not an amount such as '0.50 USD'" in violation.description
