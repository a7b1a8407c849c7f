"""What the ranker writes: all or nothing, by whoever has read the newest, and cells under the digest of their list."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dearena.faults import Conflict
from dearena.ranking import decisions
from dearena.ranking.asks import Ask
from dearena.ranking.decisions import Decision
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import EMPTY, replay
from dearena.ranking.rounds import Material, cells_of, digest_of
from dearena.ranking.rules import Rules, SeatPolicy
from services.ranker.commits import Commit
from services.ranker.records import RankingRecord
from services.ranker.store import INDEXES, RankerStore
from services.runtime.store import DuplicateKey, Index, Store
from tests.unit.ranking.planted import ALGEBRA, entrant


@pytest.fixture
async def database(mongo_url: str, mongo_database: str) -> AsyncIterator[Store]:
    database = Store(mongo_url, mongo_database)
    yield database
    database.close()


@pytest.fixture
async def store(database: Store) -> RankerStore:
    await database.ensure_indexes(INDEXES)
    return RankerStore(database, "test")


@pytest.fixture
async def read(store: RankerStore) -> RankingRecord:
    """A dimension that has just been taken up."""
    await store.take_up(ALGEBRA, 1, Rules(seed_models=3))
    await store.take_up(ALGEBRA, 1, Rules(seed_models=99))
    record = await store.ranking(ALGEBRA)
    assert record is not None
    assert record.rules.seed_models == 3
    return record


def admission(read: RankingRecord, slug: str) -> Commit:
    decided: list[Decision] = [decisions.admitted(1, entrant(f"{slug}@1"), decisions.SEED, 0)]
    return Commit(read, EMPTY, replay(decided), decided, traceparents={f"{slug}@1": "00-trace"})


async def test_rules_are_kept_whole(store: RankerStore) -> None:
    rules = Rules(
        seed_models=3,
        window=2,
        max_slides=4,
        jury="sequential",
        weighting="uniform",
        template="pairwise@2",
        allowed_providers=frozenset({"b", "a"}),
        error=0.01,
        cap=80,
        most_rounds=12,
        target_calls=2**32 - 1,
        target_rank_width=3,
        target_cost_nano_units=2**63 - 1,
        seats=SeatPolicy.SINGLE,
        canary_every=10,
    )
    await store.take_up(ALGEBRA, 1, rules)
    record = await store.ranking(ALGEBRA)
    assert record is not None
    assert record.rules == rules


async def test_a_ranking_of_an_earlier_version_takes_the_defaults(
    store: RankerStore, mongo_url: str, mongo_database: str
) -> None:
    await store.take_up(ALGEBRA, 1, Rules(seed_models=3, jury="exhaustive"))
    later = ("error", "cap", "most_rounds", "target_calls", "target_rank_width", "target_cost_nano_units")
    database = Store(mongo_url, mongo_database)
    unset = {f"rules.{field}": "" for field in (*later, "seats", "canary_every")}
    changed = await database.collection("rankings").update_one({"dimension": ALGEBRA.slug}, {"$unset": unset})
    database.close()
    assert changed.modified_count == 1
    record = await store.ranking(ALGEBRA)
    assert record is not None
    assert record.rules == Rules(seed_models=3, jury="exhaustive")


async def test_who_has_not_read_the_newest_writes_nothing(store: RankerStore, read: RankingRecord) -> None:
    await store.commit(admission(read, "alpha"))
    with pytest.raises(Conflict):
        await store.commit(admission(read, "beta"))
    with pytest.raises(Conflict):
        await store.say(read, "WAITING(x)", [])
    assert [decision.model for decision, _ in await store.decisions(ALGEBRA)] == ["alpha@1"]
    assert [one.insertion.model for one in await store.insertions(ALGEBRA)] == ["alpha@1"]
    newest = await store.ranking(ALGEBRA)
    assert newest is not None
    assert (newest.version, newest.decisions, newest.waiting_reason) == (read.version + 1, 1, "")


async def test_what_cannot_be_written_whole_is_not_written_at_all(store: RankerStore, read: RankingRecord) -> None:
    commit = admission(read, "alpha")
    twice = replace(commit, decisions=[*commit.decisions, *commit.decisions])
    with pytest.raises(Exception, match="duplicate key"):
        await store.commit(twice)
    assert await store.decisions(ALGEBRA) == []
    assert await store.insertions(ALGEBRA) == []
    assert await store.ranking(ALGEBRA) == read


async def test_cells_of_one_list_do_not_mix_with_those_of_another(store: RankerStore) -> None:
    pairs = [Pair("a@1", "b@1"), Pair("a@1", "c@1"), Pair("b@1", "c@1")]
    material = Material(
        ALGEBRA,
        1,
        "template",
        {query: f"hash of {query}" for query in "pqr"},
        {model: {query: f"{model} on {query}" for query in "pqr"} for pair in pairs for model in pair},
        {"j@1": "", "k@1": ""},
    )
    cells = cells_of(
        [Ask(pair, judge, query) for pair in pairs for judge in ("j@1", "k@1") for query in "pqr"], material
    )
    others = cells[:7]
    await store.write_cells(ALGEBRA, 1, digest_of(others), others)
    await store.write_cells(ALGEBRA, 1, digest_of(cells), cells)
    await store.write_cells(ALGEBRA, 1, digest_of(cells), cells)
    assert await store.cells(ALGEBRA, 1, digest_of(cells)) == cells
    assert await store.cells(ALGEBRA, 1, digest_of(others)) == others
    await store.forget_other_cells(ALGEBRA, 1, digest_of(cells))
    assert await store.cells(ALGEBRA, 1, digest_of(cells)) == cells
    assert await store.cells(ALGEBRA, 1, digest_of(others)) == ()


async def test_a_model_is_inserted_once_in_each_version_also_in_a_store_of_an_earlier_one(database: Store) -> None:
    insertions = database.collection("insertions")
    earlier = Index(("project", "dimension", "model"), unique=True)
    await database.ensure_indexes({"insertions": [earlier]})
    for _ in range(2):
        await database.ensure_indexes(INDEXES)
    model = {"project": "default", "dimension": "algebra", "model": "alpha@1"}
    await insertions.insert_many([model | {"dimension_version": version} for version in (1, 2)])
    with pytest.raises(DuplicateKey):
        await insertions.insert_one(model | {"dimension_version": 2})
