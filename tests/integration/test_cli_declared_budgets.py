"""Budgets that an arena file declares, or a registration."""

import json
from typing import Any

from dearena.client.amounts import amount_text
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


async def test_what_the_gateway_finds_wrong_with_a_budget_is_told_by_its_name(arena: Arena) -> None:
    await applied(arena, BUDGETS)
    (arena.directory / "arena.yaml").write_text(BUDGETS.replace("2 USD", "2 EUR"))
    result = await arena.dearena("apply", "-f", "arena.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: budget model kappa: budget.limit.currency: ")
    assert (await limits(arena))["", "kappa"] == "2.00 USD"


async def test_a_model_is_registered_with_a_budget_and_a_taken_name_keeps_its_own(arena: Arena) -> None:
    await arena.said(*KAPPA, "--budget", "2 USD", "--check")
    assert await limits(arena) == {}
    await arena.said(*KAPPA, "--budget", "2 USD", "--request-id", "once")
    assert await limits(arena) == {("", "kappa"): "2.00 USD"}
    await arena.said(*KAPPA, "--budget", "2 USD", "--request-id", "once")
    await arena.refused(*KAPPA, "--budget", "9 USD")
    assert await limits(arena) == {("", "kappa"): "2.00 USD"}
    assert "is not an amount" in await arena.refused(*KAPPA, "--budget", "much")
