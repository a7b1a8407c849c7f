"""What is worked out of a dimension's votes on demand: how its queries fare, and what would separate two models."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import grpc.aio

from dearena.faults import InvalidField, NotReady, UnknownDimension, UnknownModel
from dearena.names import DimensionName
from dearena.rpc_faults import fault_of
from dearena.scoring import FitSettings, Votes
from dearena.selection.health import Health, health, preferences_of
from dearena.selection.power import DEFAULT_ERROR, DEFAULT_POWER, Design, needed, power_of
from dearena.selection.spread import spread_of
from dearena.v1 import ranker_pb2, scorer_pb2
from services.query_selector.store import Dimensions
from services.query_selector.votes import Record, record_of
from services.runtime.peers import Peers
from services.runtime.store import Document

PAGE_SIZE: Final = 1_000
HEAD_TO_HEAD: Final = 2


@dataclass(frozen=True, slots=True)
class DimensionHealth:
    """Of a version, and what it rests on."""

    version: int
    votes: int
    models: int
    found: Health


@dataclass(frozen=True, slots=True)
class Separation:
    """What would separate two models.

    Attributes:
        difference: of their mean scores, the first's less the second's.
        now: as the votes have it, with the chance that it tells them apart.
        all_models, these_two: the least that does, with the chance that it has; None: no number of queries does.
        price: nano-units of a vote, by currency.
    """

    version: int
    difference: float
    now: tuple[Design, float]
    all_models: tuple[Design, float] | None
    these_two: tuple[Design, float] | None
    price: Mapping[str, float]


class Reports:
    """Works them out, in threads, of what the other services have on record."""

    def __init__(self, dimensions: Dimensions, peers: Peers) -> None:
        self._dimensions = dimensions
        self._peers = peers

    async def health_of(self, name: DimensionName, others: Sequence[DimensionName]) -> DimensionHealth:
        """How a dimension's queries fare, beside the boards of these dimensions, or of all others of its project.

        Raises:
            UnknownDimension: there is no such dimension, or one of the others is not there.
            NotReady: there are no votes yet, or one of the others that were named has no board.
        """
        dimension = await self._dimensions.get(name)
        ranking, record = await self._record(name)
        boards = await self._boards(name, others)
        settings = FitSettings(weighting=dimension["ranking"]["weighting"])
        found = await asyncio.to_thread(health, record.votes, boards, settings)
        return DimensionHealth(ranking.dimension_version, len(record.votes.outcome), len(record.votes.models), found)

    async def separation_of(
        self, name: DimensionName, model_a: str, model_b: str, error: float, power: float
    ) -> Separation:
        """What would separate two models of a dimension.

        Args:
            name: of the dimension.
            model_a: revision.
            model_b: another one.
            error: chance to tell two equals apart; 0: the default.
            power: chance to tell these apart; 0: the default.

        Raises:
            UnknownDimension: there is no such dimension.
            UnknownModel: one has no votes in it.
            NotReady: there are no votes yet, or on one query only.
            InvalidField: a chance is none.
        """
        await self._dimensions.get(name)
        ranking, record = await self._record(name)
        for model in (model_a, model_b):
            if model not in record.votes.models:
                raise UnknownModel(f"{model} has no votes in {name}, version {ranking.dimension_version}")
        chances = (error or DEFAULT_ERROR, power or DEFAULT_POWER)
        found = await asyncio.to_thread(_separation, record.votes, model_a, model_b, *chances)
        votes = max(len(record.votes.outcome), 1)
        price = {currency: paid / votes for currency, paid in record.cost.items()}
        return replace(found, version=ranking.dimension_version, price=price)

    async def _record(self, name: DimensionName) -> tuple[ranker_pb2.Ranking, Record]:
        ranking = (await self._peers.ranker.GetRanking(ranker_pb2.GetRankingRequest(dimension=str(name)))).ranking
        record = await record_of(self._peers, name, first_round=ranking.first_round, suspended=ranking.suspended_judges)
        if not len(record.votes.outcome):
            waits = f": {ranking.waiting_reason}" if ranking.waiting_reason else ""
            raise NotReady(f"{name} has no votes yet{waits}")
        return ranking, record

    async def _boards(self, name: DimensionName, others: Sequence[DimensionName]) -> Mapping[str, Mapping[str, float]]:
        named = bool(others)
        found = {}
        for other in others or await self._neighbours(name):
            try:
                found[str(other)] = await self._strengths(other)
            except (NotReady, UnknownDimension):
                if named:
                    raise
        return found

    async def _neighbours(self, name: DimensionName) -> Sequence[DimensionName]:
        """The other dimensions of a project, without pilots and such as are being selected."""
        found: list[Document] = []
        while True:
            after = found[-1]["slug"] if found else ""
            page = await self._dimensions.list(name.project, after=after, limit=PAGE_SIZE, pilots=False)
            found += page
            if len(page) < PAGE_SIZE:
                break
        return [
            DimensionName(one["project"], one["slug"])
            for one in found
            if one["slug"] != name.slug and not one.get("selecting")
        ]

    async def _strengths(self, name: DimensionName) -> Mapping[str, float]:
        try:
            request = scorer_pb2.GetLeaderboardRequest(dimension=str(name))
            board = (await self._peers.scorer.GetLeaderboard(request)).board
        except grpc.aio.AioRpcError as error:
            raise fault_of(error) from error
        return {row.model: row.strength for row in board.rows if row.votes}


def _separation(votes: Votes, one: str, other: str, error: float, power: float) -> Separation:
    said = preferences_of(votes)
    try:
        spread = spread_of(said)
    except InvalidField as fault:
        raise NotReady(f"too few votes to say: {fault}") from fault
    queries, models = len(said.pool), len(said.models)
    pairs = models * (models - 1) / 2
    judges = max(len(set(said.judge.tolist())), 1)
    now = Design(queries, models, max(len(said) / (queries * pairs), 1e-3), judges)
    alone = Design(queries, HEAD_TO_HEAD, 1.0, judges)
    difference = spread.difference(one, other)

    def least(design: Design) -> tuple[Design, float] | None:
        found = needed(spread, one, other, design, error, power)
        return None if found.design is None else (found.design, found.power)

    return Separation(
        version=0,
        difference=difference,
        now=(now, power_of(spread, now, difference, error)),
        all_models=least(now),
        these_two=least(alone),
        price={},
    )
