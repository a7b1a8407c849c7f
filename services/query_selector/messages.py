"""Between the contract's messages, the domain and the documents of the store."""

from typing import Final

from dearena.v1 import query_selector_pb2 as pb
from services.query_selector import dimension as domain
from services.runtime.store import Document


def declaration_of(message: pb.Dimension) -> domain.Declaration:
    """What a caller asks for; output-only fields are ignored."""
    return domain.Declaration(
        name=message.name,
        display_name=message.display_name,
        selection=domain.Selection(method=message.selection.method, k=message.selection.k, seed=message.selection.seed),
        ranking=domain.RankingSettings(
            seed_models=message.ranking.seed_models,
            window=message.ranking.window,
            max_slides=message.ranking.max_slides,
            jury=message.ranking.jury,
            weighting=message.ranking.weighting,
        ),
        template=message.template,
        allowed_providers=tuple(message.allowed_providers),
    )


def dimension_message(made: domain.Dimension) -> pb.Dimension:
    """A dimension that has not been stored."""
    return pb.Dimension(
        name=str(made.name),
        display_name=made.display_name,
        selection=pb.Selection(method=made.selection.method, k=made.selection.k, seed=made.selection.seed),
        ranking=pb.RankingSettings(
            seed_models=made.ranking.seed_models,
            window=made.ranking.window,
            max_slides=made.ranking.max_slides,
            jury=made.ranking.jury,
            weighting=made.ranking.weighting,
        ),
        template=made.template,
        allowed_providers=made.allowed_providers,
        version=made.version,
        pool_size=made.pool_size,
        pool_hash=made.pool_hash,
        query_count=made.query_count,
    )


def dimension_of(document: Document) -> pb.Dimension:
    """A dimension as it is stored."""
    message = pb.Dimension(
        name=f"projects/{document['project']}/dimensions/{document['slug']}",
        display_name=document["display_name"],
        selection=pb.Selection(
            method=document["selection"]["method"],
            k=document["selection"]["k"],
            seed=int(document["selection"]["seed"]),
        ),
        ranking=pb.RankingSettings(**document["ranking"]),
        template=document["template"],
        allowed_providers=document["allowed_providers"],
        version=document["version"],
        state=_STATES[document["announced"]],
        pool_size=document["pool_size"],
        pool_hash=document["pool_hash"],
        query_count=document["query_count"],
        etag=document["etag"],
    )
    message.create_time.FromDatetime(document["created_at"])
    return message


_STATES: Final = {True: pb.DIMENSION_STATE_READY, False: pb.DIMENSION_STATE_WAITING_FOR_BUS}


def query_of(document: Document) -> pb.Query:
    """A query as it is stored."""
    return pb.Query(
        query_id=document["query_id"],
        query_hash=document["query_hash"],
        turns=document["turns"],
        reference=document["reference"],
        category=document["category"],
    )
