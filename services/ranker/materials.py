"""Fetches what the next round's cells are made of, and makes them."""

import asyncio
from dataclasses import dataclass

from dearena.identity import Digest
from dearena.ranking.planning import Plan
from dearena.ranking.ranking import RankingState
from dearena.ranking.rounds import Cell, Material, cells_of, digest_of
from services.ranker.inquiries import Inquiries
from services.ranker.records import RankingRecord


@dataclass(frozen=True, slots=True)
class Made:
    """Cells, and the digest under which they are written."""

    cells: tuple[Cell, ...]
    digest: Digest


async def make_cells(inquiries: Inquiries, record: RankingRecord, state: RankingState, planned: Plan) -> Made:
    """The cells of a planned round. All that goes into them is fixed, so made again they are the same."""
    name, version = record.name, record.dimension_version
    answers = {model: await inquiries.answers(name, version, model) for model in planned.contestants}
    queries = await inquiries.queries(name, version)
    choice = await inquiries.templates(name)
    other = choice.without_reference
    material = Material(
        dimension=name,
        dimension_version=version,
        template_hash=choice.usual.hash,
        templates={} if other is None else {one: other.hash for one, found in queries.items() if not found.referred},
        queries={one: found.hash for one, found in queries.items()},
        answers=answers,
        judge_parameters={judge: state.admitted[judge].judge_parameters_hash for judge in planned.judges},
        seats=record.rules.seats,
    )
    return await asyncio.to_thread(_make, planned, material)


def _make(planned: Plan, material: Material) -> Made:
    cells = cells_of(planned.asks, material)
    return Made(cells, digest_of(cells))
