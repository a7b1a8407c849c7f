"""Budgets that an arena file declares, or a registration."""

import json
from typing import Any

import pytest

from dearena.client.amounts import amount_text
from dearena.v1.common_pb2 import GenerationParameters
from tests.integration.test_cli_arena import ARENA, KAPPA, Arena, arena

__all__ = ["arena"]

BUDGETS = ARENA.replace("slug: kappa\n", "slug: kappa\n    budget: 2 USD\n").replace(
    "slug: algebra\n", "slug: algebra\n    budget: 5.00 USD\n    insertion_budget: 0.50 USD\n"
)


async def applied(arena: Arena, content: str, *args: str) -> list[dict[str, Any]]:
    (arena.directory / "arena.yaml").write_text(content)
    changes = map(json.loads, (await arena.said("apply", "-f", "arena.yaml", "--json", *args)).splitlines())
    return [change for change in changes if change["kind"] == "budget"]


async def limits(arena: Arena) -> dict[tuple[str, str], str]:
    return {(one.dimension, one.model): amount_text(one.limit) async for one in arena.client.budgets()}


async def of_algebra(arena: Arena) -> list[str]:
    """Of the dimension, and of each insertion into it; without those that follow from the latter."""
    return [amount_text(one.limit) async for one in arena.client.budgets("algebra") if not one.model]


async def test_budgets_of_a_file_are_set_once_and_changed_where_they_differ(arena: Arena) -> None:
    names = ("dimension algebra", "each insertion in algebra", "model kappa")

    def with_actions(*actions: str) -> list[tuple[str, str]]:
        return list(zip(names, actions, strict=True))

    would = await applied(arena, BUDGETS, "--dry-run")
    assert [(one["slug"], one["action"]) for one in would] == with_actions(*["created"] * 3)
    assert await limits(arena) == {}
    done = await applied(arena, BUDGETS)
    assert [(one["slug"], one["action"]) for one in done] == with_actions(*["created"] * 3)
    assert (await limits(arena))["", "kappa"] == "2.00 USD"
    assert await of_algebra(arena) == ["5.00 USD", "0.50 USD"]
    done = await applied(arena, BUDGETS)
    assert [(one["slug"], one["action"]) for one in done] == with_actions(*["unchanged"] * 3)
    done = await applied(arena, BUDGETS.replace("5.00 USD", "7.5 USD"))
    assert [(one["slug"], one["action"]) for one in done] == with_actions("updated", "unchanged", "unchanged")
    assert done[0]["fields"] == ["limit"]
    # A file that says nothing of budgets leaves them alone.
    assert await applied(arena, ARENA) == []
    assert await of_algebra(arena) == ["7.50 USD", "0.50 USD"]


async def test_a_budget_that_calls_do_not_fit_is_pointed_at_before_anything_is_changed(arena: Arena) -> None:
    (arena.directory / "arena.yaml").write_text(BUDGETS.replace("2 USD", "2 EUR"))
    problem = await arena.refused("apply", "-f", "arena.yaml")
    assert "arena.yaml:3:13: models[0].budget: calls of kappa are priced in USD, and it is in EUR" in problem
    assert await limits(arena) == {}


async def test_what_a_budget_of_the_arena_does_not_fit_is_pointed_at_in_the_file(arena: Arena) -> None:
    await arena.said("budget", "set", "5 EUR", "--dimension", "algebra")
    (arena.directory / "arena.yaml").write_text(ARENA)
    problem = await arena.refused("apply", "-f", "arena.yaml")
    assert "arena.yaml:4:5: models[0].price: the budget of dimension algebra does not fit: calls of kappa" in problem


async def test_what_the_gateway_finds_wrong_with_a_budget_is_told_by_its_name(arena: Arena) -> None:
    await arena.said("budget", "set", "5 EUR", "--model", "lambda")
    (arena.directory / "arena.yaml").write_text(ARENA.replace("slug: lambda\n", "slug: lambda\n    budget: 2 USD\n"))
    result = await arena.dearena("apply", "-f", "arena.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: budget model lambda: budget.limit.currency: ")


@pytest.mark.parametrize("parameters", ["", ", max_tokens: 100"])
async def test_a_new_budget_is_held_against_models_as_the_file_makes_them(arena: Arena, parameters: str) -> None:
    """Kappa was registered when nobody had to say how much it may write."""
    (arena.directory / "arena.yaml").write_text(ARENA)
    await arena.said("apply", "-f", "arena.yaml")
    kappa = await arena.client.get_model("kappa")
    kappa.judge_parameters.CopyFrom(GenerationParameters(temperature=0))
    await arena.client.update_model(kappa, ["judge_parameters"])
    said = f"slug: kappa\n    judge_parameters: {{temperature: 0{parameters}}}\n"
    (arena.directory / "arena.yaml").write_text(BUDGETS.replace("slug: kappa\n", said))
    if parameters:
        done = [
            (one["kind"], one["action"])
            for one in map(json.loads, (await arena.said("apply", "-f", "arena.yaml", "--json")).splitlines())
        ]
        assert done.index(("model", "updated")) < done.index(("budget", "created"))
        assert (await limits(arena))["", "kappa"] == "2.00 USD"
    else:
        problem = await arena.refused("apply", "-f", "arena.yaml")
        assert "models[0].budget: judge_parameters of kappa have no max_tokens" in problem
        assert await limits(arena) == {}


async def test_models_without_a_price_are_said_where_a_budget_holds_them(arena: Arena) -> None:
    (arena.directory / "arena.yaml").write_text(ARENA)
    await arena.said("apply", "-f", "arena.yaml")
    note = "dimension algebra: 1 of 2 models it holds has no price: their calls are not counted"
    said = await arena.said("budget", "set", "5 USD", "--dimension", "algebra")
    assert said.splitlines() == ["dimension algebra: 5.00 USD", note]
    assert (await arena.said("budget", "list")).splitlines()[-1] == note


async def test_a_model_is_registered_with_a_budget_and_a_taken_name_keeps_its_own(arena: Arena) -> None:
    await arena.said(*KAPPA, "--budget", "2 USD", "--check")
    problem = await arena.refused(*KAPPA, "--price-in", "1", "--budget", "2 EUR")
    assert "--budget: calls of kappa are priced in USD, and it is in EUR" in problem
    assert await limits(arena) == {}
    await arena.said(*KAPPA, "--budget", "2 USD", "--request-id", "once")
    assert await limits(arena) == {("", "kappa"): "2.00 USD"}
    await arena.said(*KAPPA, "--budget", "2 USD", "--request-id", "once")
    await arena.refused(*KAPPA, "--budget", "9 USD")
    assert await limits(arena) == {("", "kappa"): "2.00 USD"}
    assert "is not an amount" in await arena.refused(*KAPPA, "--budget", "much")
