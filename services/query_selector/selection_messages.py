"""Between selections as they are kept and the contract's messages."""

from typing import Final

from dearena.selection.choice import Reason
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from services.query_selector.jobs import Job
from services.runtime.store import Document

_FIGURES: Final = tuple(name for name in Reason.__dataclass_fields__ if name not in ("query", "category", "why"))


def progress_of(job: Job, chosen: pb.Selection) -> pb.SelectionProgress:
    """How a selection stands.

    Args:
        job: as it is kept.
        chosen: what was asked for.
    """
    seen = job.figures
    message = pb.SelectionProgress(
        dimension=str(job.name),
        dimension_version=job.dimension_version,
        selection=chosen,
        stage=pb.SelectionStage.Value(f"SELECTION_STAGE_{job.stage}"),
        waiting_reason=job.waiting_reason,
        failure=job.failure,
        models=job.models,
        pilots=[f"projects/{job.project}/dimensions/{slug}" for slug in job.pilots],
        piloted_queries=job.piloted_queries if job.models else 0,
        open_queries=seen.open_queries,
        cells=seen.cells,
        votes=seen.votes,
        judge_calls=seen.judge_calls,
        most_judge_calls=job.most_judge_calls,
        spent=[common_pb2.Money(currency=one, nano_units=amount) for one, amount in sorted(seen.spent.items())],
        orders=sum(1 for number in job.given if number),
        growths=growths_of(job),
    )
    if job.created_at is not None:
        message.create_time.FromDatetime(job.created_at)
    if job.updated_at is not None:
        message.update_time.FromDatetime(job.updated_at)
    return message


def growths_of(job: Job) -> list[pb.SelectionGrowth]:
    """How its pilot went on from part to part."""
    found = []
    after = [one.queries for one in job.grown[1:]] + [job.piloted_queries]
    for one, grown_to in zip(job.grown, after, strict=False):
        message = pb.SelectionGrowth(
            pilot=f"projects/{job.project}/dimensions/{one.pilot}",
            queries=one.queries,
            grown_to=grown_to,
            cells=one.cells,
            reason=one.why,
        )
        message.create_time.FromDatetime(one.at)
        found.append(message)
    return found


def chosen_at_once(dimension: Document, chosen: pb.Selection) -> pb.SelectionProgress:
    """Of a dimension whose queries were chosen without a pilot, as it was made."""
    message = pb.SelectionProgress(
        dimension=f"projects/{dimension['project']}/dimensions/{dimension['slug']}",
        dimension_version=dimension["version"],
        selection=chosen,
        stage=pb.SELECTION_STAGE_DONE,
    )
    message.create_time.FromDatetime(dimension["created_at"])
    message.update_time.FromDatetime(dimension["created_at"])
    return message


def reason_of(document: Document) -> pb.SelectionReason:
    """Why a query was taken or left; what the method did not look at is absent."""
    return pb.SelectionReason(
        query_id=document["query"],
        category=document["category"],
        why=document["why"],
        **{name: document[name] for name in _FIGURES if document[name] is not None},
    )
