"""Dimensions are spread over shards by their names alone."""

from collections import Counter

import pytest
from pydantic import ValidationError

from dearena.names import DimensionName
from services.ranker.settings import RankerSettings
from services.ranker.shards import InvalidShard, Shards, shard_of

NAMES = [DimensionName(f"project-{n % 7}", f"dimension-{n}") for n in range(2_000)]


@pytest.mark.parametrize(
    ("project", "slug", "of_two", "of_three", "of_eight"),
    [
        ("default", "algebra", 0, 0, 4),
        ("default", "poetry", 1, 2, 5),
        ("lab", "algebra", 1, 1, 1),
        ("a", "b", 1, 1, 3),
    ],
)
def test_a_dimension_stays_where_it_is(project: str, slug: str, of_two: int, of_three: int, of_eight: int) -> None:
    # Another version of this code must say the same: it runs beside this one while a cluster is upgraded.
    name = DimensionName(project, slug)
    assert (shard_of(name, 2), shard_of(name, 3), shard_of(name, 8)) == (of_two, of_three, of_eight)


def test_one_shard_has_everything() -> None:
    assert {shard_of(name, 1) for name in NAMES} == {0}


@pytest.mark.parametrize("shards", [2, 3, 8])
def test_the_spread_is_even(shards: int) -> None:
    found = Counter(shard_of(name, shards) for name in NAMES)
    even = len(NAMES) / shards
    assert set(found) == set(range(shards))
    # Five standard deviations of what chance gives a shard.
    allowed = 5 * (even * (1 - 1 / shards)) ** 0.5
    assert all(abs(count - even) < allowed for count in found.values())


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_each_dimension_has_one_ranker(shards: int) -> None:
    every = [Shards.of(shards, str(ordinal), "host") for ordinal in range(shards)]
    assert all(sum(one.has(name) for one in every) == 1 for name in NAMES)
    assert all(Shards.of(shards, "all", "host").has(name) for name in NAMES)
    assert all(Shards.of(shards, "all", "host").of_dimension(name) == every[0].of_dimension(name) for name in NAMES)


def test_a_pod_has_the_shard_of_its_ordinal() -> None:
    assert Shards.of(12, "hostname", "ranker-11") == Shards(12, 11)
    assert Shards.of(2, "hostname", "dearena-ranker-0") == Shards(2, 0)


def test_consumers_are_by_shard() -> None:
    assert Shards.of(3, "all", "host").durable == "ranker-doorbell"
    assert Shards.of(3, "2", "host").durable == "ranker-doorbell-2"


@pytest.mark.parametrize(
    ("count", "shard", "hostname", "problem"),
    [
        (2, "2", "host", "is 2, and there are 2, counted from 0"),
        (1, "1", "host", "is 1, and there is 1, counted from 0"),
        (2, "-1", "host", "must be a number, 'all' or 'hostname'"),
        (2, "", "host", "must be a number"),
        (2, "1.0", "host", "must be a number"),
        (2, "9" * 5_000, "host", "must be a number"),
        (2, "hostname", "laptop", "'laptop' does not end in a dash and a number"),
        (2, "hostname", "ranker-a", "'ranker-a' does not end in a dash and a number"),
        (2, "hostname", "7", "'7' does not end in a dash and a number"),
        (2, "hostname", "ranker-2", "is 2 by the host name 'ranker-2', and there are 2"),
    ],
)
def test_what_names_no_shard_is_said(count: int, shard: str, hostname: str, problem: str) -> None:
    with pytest.raises(InvalidShard, match=problem):
        Shards.of(count, shard, hostname)


def test_settings_name_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEARENA_SHARDS", "2")
    monkeypatch.setenv("DEARENA_SHARD", "1")
    assert RankerSettings().own_shards() == Shards(2, 1)
    monkeypatch.setenv("DEARENA_SHARD", "2")
    with pytest.raises(ValidationError, match="DEARENA_SHARD is 2, and there are 2"):
        RankerSettings()
    monkeypatch.setenv("DEARENA_SHARDS", "0")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        RankerSettings()
