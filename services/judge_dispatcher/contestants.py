"""What a cell asks about: its question, its two contestants, and in which orders they take the seats."""

from collections.abc import Sequence
from dataclasses import dataclass

from dearena.canaries import Sort, can_be_truncated, sort_of, truncated
from dearena.judging.conversations import answer_text
from dearena.seat_order import a_sits_first
from dearena.v1.common_pb2 import CELL_KIND_CANARY, SEAT_POLICY_SINGLE, Cell
from services.judge_dispatcher import outcome
from services.judge_dispatcher.outcome import Ruling
from services.judge_dispatcher.patience import all_of
from services.judge_dispatcher.seats import Contestant, Question
from services.judge_dispatcher.texts import DimensionVersion, Texts


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contestants: first model_a, or the whole answer of a canary."""

    a: Contestant
    b: Contestant


async def pair_of(texts: Texts, dimension: DimensionVersion, cell: Cell) -> Pair | Ruling:
    """The contestants of a cell; the ruling on it where it cannot be asked.

    Raises:
        Poison: the cell names an answer that is not there.
    """
    if cell.kind == CELL_KIND_CANARY:
        return await _canary(texts, dimension, cell)
    named = ((cell.model_a, cell.answer_hash_a), (cell.model_b, cell.answer_hash_b))
    if unusable := [model for model, answer_hash in named if not answer_hash]:
        return outcome.without_answer(unusable)
    answers = await all_of(
        *(texts.answer(dimension, model, cell.query_id, answer_hash) for model, answer_hash in named)
    )
    if unusable := [model for (model, _), answer in zip(named, answers, strict=True) if answer is None]:
        return outcome.without_answer(unusable)
    a, b = (
        Contestant(model, answer or (), answer_hash)
        for (model, answer_hash), answer in zip(named, answers, strict=True)
    )
    return Pair(a, b)


async def _canary(texts: Texts, dimension: DimensionVersion, cell: Cell) -> Pair | Ruling:
    """One model's answer against itself, or against its own truncation."""
    model, answer_hash = cell.model_a, cell.answer_hash_a
    answer = await texts.answer(dimension, model, cell.query_id, answer_hash) if answer_hash else None
    if answer is None:
        return outcome.without_answer([model])
    whole = Contestant(model, answer, answer_hash)
    if sort_of(answer_hash, cell.answer_hash_b) is not Sort.TRUNCATED:
        return Pair(whole, whole)
    # Of a conversation only the beginning is left, which is one text: what heads its replies guards nothing here.
    text = answer_text(answer)
    if not can_be_truncated(text):
        return outcome.not_truncated(model)
    return Pair(whole, Contestant(model, (truncated(text),), cell.answer_hash_b))


async def question_of(
    texts: Texts, dimension: DimensionVersion, cell: Cell, on_behalf_of: tuple[str, ...] = ()
) -> Question:
    """What both seat orders of a cell have in common.

    Raises:
        Poison: the dimension version has no such query.
        UnknownTemplate: the cell names a template that neither the arena nor the dimension has.
    """
    template = await texts.template(dimension.name, cell.template_hash)
    query = await texts.query(dimension, cell.query_id, cell.query_hash)
    return Question(dimension.name, cell, template, query.turns, on_behalf_of, query.reference)


def seat_orders(cell: Cell, pair: Pair) -> Sequence[tuple[Contestant, Contestant]]:
    """(first, second) of each call, model_a's first; of a cell of single seats the one that its id draws."""
    orders = ((pair.a, pair.b), (pair.b, pair.a))
    if cell.seat_policy != SEAT_POLICY_SINGLE:
        return orders
    return orders[:1] if a_sits_first(cell.cell_id) else orders[1:]
