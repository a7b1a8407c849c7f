"""Which questions of a dimension's pool are queries of which version, as the store has it."""

from collections.abc import Sequence
from typing import Final

from services.runtime.store import Collection, Document, Session

BATCH: Final = 500
"""Ids of one command."""


def pool_key(dimension: Document) -> Document:
    """Finds the questions of a dimension's pool."""
    return {"project": dimension["project"], "dimension": dimension["slug"], "pool_id": dimension["pool_id"]}


async def put_in(
    queries: Collection, dimension: Document, query_ids: Sequence[str], version: int, session: Session
) -> None:
    """Make questions of its pool queries of a dimension's version, from the end of the transaction on."""
    for start in range(0, len(query_ids), BATCH):
        some = {"query_id": {"$in": list(query_ids[start : start + BATCH])}}
        await queries.update_many(pool_key(dimension) | some, {"$addToSet": {"versions": version}}, session=session)
