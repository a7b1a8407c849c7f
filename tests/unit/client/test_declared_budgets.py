"""Budgets of an arena file: what they mean, and what is wrong with one is pointed at."""

from pathlib import Path

import pytest

from dearena.client import ArenaFile, read_arena_file
from dearena.client.declared_budgets import budgets_of, called, key_of, misfits
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


IN_DOLLARS = "calls of {} are priced in USD, and it is in EUR"


def priced(slug: str, currency: str, nano_units: int = 5, provider: str = "") -> gateway_pb2.Model:
    money = common_pb2.Money(currency=currency, nano_units=nano_units)
    price = gateway_pb2.Price(per_million_output_tokens=money)
    return gateway_pb2.Model(name=f"projects/p/models/{slug}", provider=provider, effective_price=price)


def test_a_budget_in_another_currency_than_its_calls_is_pointed_at(tmp_path: Path) -> None:
    content = FILE.replace("insertion_budget: 0.50 EUR", 'allowed_providers: ["hosted"]')
    found = [
        priced("kappa", "EUR", provider="hosted"),
        priced("lambda", "USD", provider="other"),
        priced("there", "USD", provider="hosted"),
        priced("free", "USD", 0, provider="hosted"),
    ]
    models = {model.name.rpartition("/")[2]: model for model in found}
    told = [(one.field, one.description) for one in misfits(read(tmp_path, content), models)]
    assert told == [
        # Only what may enter; `coding` lets everybody.
        ("arena.yaml:11:13", f"dimensions[0].budget: {IN_DOLLARS.format('there')}"),
        (
            "arena.yaml:16:23",
            f"dimensions[1].insertion_budget: {'; '.join(IN_DOLLARS.format(slug) for slug in ('lambda', 'there'))}",
        ),
        ("arena.yaml:4:13", "models[0].budget: calls of kappa are priced in EUR, and it is in USD"),
    ]


def test_a_new_budget_of_calls_without_a_limit_is_pointed_at(tmp_path: Path) -> None:
    file = read(tmp_path, FILE).model_copy(update={"dimensions": ()})
    price = gateway_pb2.Price(per_million_output_tokens=common_pb2.Money(currency="USD", nano_units=1))
    without = common_pb2.GenerationParameters(temperature=0)
    kappa = gateway_pb2.Model(name="projects/default/models/kappa", effective_price=price, judge_parameters=without)
    models = {"kappa": kappa}
    (violation,) = misfits(file, models)
    assert "judge_parameters of kappa have no max_tokens" in violation.description
    assert list(misfits(file, models, {key_of(one) for one in budgets_of(file)})) == []
    kappa.may_judge = False
    assert list(misfits(file, models)) == []
    kappa.answer_parameters.CopyFrom(without)
    assert len(list(misfits(file, models))) == 1
