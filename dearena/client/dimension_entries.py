"""Dimensions as an arena file declares them. Pure."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from dearena.client.arena_words import not_a_truth
from dearena.client.model_entries import Amount, Count, Entry, Name, Slug

PoolField = Literal["id", "text", "turns", "reference", "category", "source", "licence"]
"""What a column can be of a question: `dearena.pools.importing.FIELDS`."""


class PilotEntry(Entry):
    """A pilot, by which methods other than `random` choose; what is left out is left to it.

    Attributes:
        models: slugs of the models that answer and judge.
        calls: of judges, at most.
        budget: what answers and judging may cost, such as `5 USD`.
        queries: of the pool that are looked at, at most.
    """

    models: tuple[Slug, ...] = ()
    calls: Count = 0
    budget: Amount = ""
    queries: Count = 0


class SelectionEntry(Entry):
    """How queries are chosen from the pool."""

    method: str = ""
    pilot: PilotEntry = PilotEntry()
    k: Annotated[int, BeforeValidator(not_a_truth), Field(ge=1, lt=2**32)]
    seed: Annotated[int, BeforeValidator(not_a_truth), Field(ge=0, lt=2**64)] = 0


class RankingEntry(Entry):
    """How the ranking is made; 0 and empty stand for the defaults, and for no target.

    Attributes:
        seed_models: ranked by full pairwise comparison before the first insertion.
        window: neighbours on each side of a newcomer that are compared with it.
        max_slides: how often the window may slide.
        jury: policy that decides pairs, `sequential` or `exhaustive`.
        weighting: of judges, `score`, `uniform`, `rank` or `reliability`.
        error: chance that a sequential jury ever decides a pair of equal models.
        cap: readable outcomes after which a sequential jury leaves a pair undecided.
        most_rounds: an insertion settles after so many at the latest.
        target_calls: an insertion goes on until it has taken so many judge calls, and then settles.
        target_rank_width: an insertion goes on until its rank is known to so many places, and then settles.
        target_cost: an insertion settles once it has cost this much, such as `0.50 USD`.
        seats: `both` orders of the two answers a cell, or a `single` one.
        canary_every: a judge gets a canary with every so many votes.
    """

    seed_models: Count = 0
    window: Count = 0
    max_slides: Count = 0
    jury: str = ""
    weighting: str = ""
    error: Annotated[float, BeforeValidator(not_a_truth), Field(ge=0, le=0.5)] = 0.0
    cap: Count = 0
    most_rounds: Count = 0
    target_calls: Count = 0
    target_rank_width: Count = 0
    target_cost: Amount = ""
    seats: Literal["", "both", "single"] = ""
    canary_every: Count = 0


class JudgingEntry(Entry):
    """How answers are judged, and by whom, as in `dearena.v1.JudgingPolicy`.

    Attributes:
        template_text: a template of the dimension's own; or `template_file`, which holds one.
        rubric: by what to judge; or `rubric_file`, which holds it.
        template_without_reference: for queries that have none, where the dimension's template needs one.
        exclude_family: no model judges a contestant of its own family.
        judge_providers: only models of these judge; empty: all that may enter.
    """

    template_text: str = ""
    template_file: Path | None = None
    rubric: str = ""
    rubric_file: Path | None = None
    template_without_reference: str = ""
    exclude_family: bool = False
    judge_providers: tuple[Name, ...] = ()


class GeneratedEntry(Entry):
    """Questions that are made by seed, in place of a pool.

    Attributes:
        kind: `algebra`, `geometry` …
        difficulty: 1 to 5; 0: all in turn.
    """

    kind: str
    size: Annotated[int, BeforeValidator(not_a_truth), Field(ge=1, le=100_000)]
    seed: Annotated[int, BeforeValidator(not_a_truth), Field(ge=0, lt=2**64)] = 0
    difficulty: Annotated[int, BeforeValidator(not_a_truth), Field(ge=0, le=5)] = 0


class DimensionEntry(Entry):
    """A dimension, as in `dearena.v1.Dimension`, with its questions.

    Attributes:
        pool: a file of them; or `generate`, which makes them.
        map: of the pool's columns by field, such as `{text: question}`; one that is left out is called as its field.
        format: of the pool; empty: as its name says.
        merge_duplicates: of questions that differ in case, marks, spaces, courtesy or typos, the first is kept.
        budget: the most that its calls may cost together, such as `5.00 USD`; empty: none is set.
        only_models: slugs of the models that alone enter and judge; none: all that may.
        insertion_budget: the most that each model's answers and insertion may cost, but for models with their own.
    """

    slug: Slug
    display_name: Name = ""
    pool: Path | None = None
    map: dict[PoolField, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    format: Literal["", "jsonl", "csv", "parquet"] = ""
    merge_duplicates: bool = False
    generate: GeneratedEntry | None = None
    selection: SelectionEntry
    ranking: RankingEntry = RankingEntry()
    template: str = ""
    judging: JudgingEntry = JudgingEntry()
    allowed_providers: tuple[Name, ...] = ()
    only_models: tuple[Slug, ...] = ()
    budget: Amount = ""
    insertion_budget: Amount = ""
