"""Model revisions as people name them on the command line."""

from dearena.client import ArenaClient


async def revision_of(client: ArenaClient, model: str) -> str:
    """`slug@n` as it is; of a slug alone the newest revision. Raises UnknownModel."""
    return model if "@" in model else f"{model}@{(await client.get_model(model)).revision}"
