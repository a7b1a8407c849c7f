"""What the command line says of limits."""

import json

from tests.integration.test_cli_arena import Arena, arena

__all__ = ["arena"]


async def test_how_endpoints_fare_is_told(arena: Arena) -> None:
    assert (await arena.said("models", "--health")).startswith("no models yet")
    await arena.said(
        "register", "mu", "--url", "http://models.invalid/v1", "--model", "m", "--requests-per-minute", "60"
    )
    assert (await arena.said("models", "--health")).splitlines()[1].split()[:4] == ["mu", "go", "8", "0"]
    (told,) = json.loads(await arena.said("models", "--health", "--json"))
    assert (told["model"], told["breaker"]) == ("projects/default/models/mu", "CLOSED")
    (model,) = json.loads(await arena.said("models", "--json"))
    assert model["requests_per_minute"] == 60


async def test_a_key_is_limited_and_its_limits_are_lifted(arena: Arena) -> None:
    assert (await arena.said("keys", "list")).startswith("no key has limits")
    said = await arena.said("keys", "limit", "env:A_API_KEY", "--concurrency", "4", "--tokens-per-minute", "90000")
    assert said == "env:A_API_KEY: 4 calls at once, 90,000 tokens a minute\n"
    assert "env:A_API_KEY" in await arena.said("keys", "list")
    assert json.loads(await arena.said("keys", "list", "--json"))[0]["concurrency"] == 4
    assert await arena.said("keys", "limit", "env:A_API_KEY") == "env:A_API_KEY: no limits\n"
    assert (await arena.said("keys", "list")).startswith("no key has limits")
    assert (await arena.refused("keys", "limit", "sk-itself")).startswith("error: limits.key_reference:")
