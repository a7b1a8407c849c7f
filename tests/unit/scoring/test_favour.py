"""Own-family premium, on worlds where it was planted."""

import numpy as np
import pytest

from dearena.scoring import FitSettings, Votes
from dearena.scoring.reports.favour import favours
from tests.unit.scoring.planted import shuffled, votes_by_appeal, with_outcomes

MODELS, FAMILIES, QUERIES = 16, 4, 40
OWN = np.arange(MODELS) % FAMILIES
NAMES = [f"m{model:02d}@1" for model in range(MODELS)]
FAMILY_OF = {f"m{model:02d}": f"house-{OWN[model]}" for model in range(MODELS)}
STRONG = np.flatnonzero(OWN == 0)
"""The judges of the family whose answers are better than all others'."""


def world(seed: int, premium: float, cells: int = 12_000, partial: str = "all") -> Votes:
    """The first family is stronger by 1; all judges, or its own, favour their family."""
    chance = np.random.default_rng(seed)
    skill = chance.normal(size=MODELS) + (OWN == 0)
    appeal = skill[:, None] + chance.normal(0, 0.8, (MODELS, QUERIES))
    favoured = OWN[:, None] == OWN[None, :]
    if partial == "strong":
        favoured &= (OWN == 0)[:, None]
    return votes_by_appeal(appeal, premium * favoured, cells, seed + 1_000, NAMES)


def naive_premium(votes: Votes, judge: int) -> float:
    """Log-odds at which the judge prefers its own family, whatever the answers."""
    own = OWN[judge] == OWN
    mine = (votes.judge == judge) & (own[votes.first] != own[votes.second])
    won = float(np.mean(own[votes.first][mine] == (votes.outcome[mine] == 0)))
    return float(np.log(won / (1 - won)))


@pytest.mark.parametrize("partial", ["all", "strong"])
@pytest.mark.parametrize("planted", [0.0, 1.0])
def test_a_planted_premium_is_found_where_the_family_is_stronger(planted: float, partial: str) -> None:
    found, naive, misses = [], [], []
    for seed in range(6):
        votes = world(seed, planted, partial=partial)
        family = favours(votes, FitSettings(), FAMILY_OF).family
        for judge in STRONG.tolist():
            favour = family[judge]
            assert favour is not None
            found.append(favour.premium)
            misses.append(not favour.low <= planted <= favour.high)
            naive.append(naive_premium(votes, judge))
    assert np.mean(found) == pytest.approx(planted, abs=0.1)
    assert abs(np.mean(naive) - planted) > 0.25
    assert np.mean(misses) <= 0.15


def test_a_premium_is_not_flattened_where_answers_have_few_votes() -> None:
    found = []
    for seed in range(12):
        found += [
            favour.premium for favour in favours(world(seed, 2.0, 1_500), FitSettings(), FAMILY_OF).family if favour
        ]
    assert np.mean(found) == pytest.approx(2, abs=0.12)


def test_errors_are_as_large_as_the_premiums_scatter() -> None:
    ratios = []
    for seed in range(12):
        for favour in favours(world(seed, 0.0, cells=4_000), FitSettings(), FAMILY_OF).family:
            assert favour is not None
            ratios.append(favour.premium / favour.error)
    assert 0.85 < np.std(ratios) < 1.2


def test_judges_of_other_families_are_cleared_of_what_theirs_is_done() -> None:
    """One family favours itself; the others, who treat all alike, are not said to do the opposite."""
    found = []
    for seed in range(6):
        family = favours(world(seed, 1.5, partial="strong"), FitSettings(), FAMILY_OF).family
        found += [favour.premium for judge, favour in enumerate(family) if favour and OWN[judge] != 0]
    assert np.mean(found) == pytest.approx(0, abs=0.08)


def test_other_revisions_of_the_own_slug_are_told_from_the_rest_of_the_family() -> None:
    names = [f"m{model // 2:02d}@{model % 2 + 1}" for model in range(MODELS)]
    slug = np.arange(MODELS) // 2
    families = {f"m{number:02d}": f"house-{number % 4}" for number in range(MODELS // 2)}
    in_family = (slug[:, None] % 4) == (slug[None, :] % 4)
    sibling = (slug[:, None] == slug[None, :]) & ~np.eye(MODELS, dtype=bool)
    slugs, family = [], []
    for seed in range(4):
        chance = np.random.default_rng(seed)
        appeal = chance.normal(size=(MODELS, 1)) + chance.normal(0, 0.8, (MODELS, QUERIES))
        votes = votes_by_appeal(appeal, 0.5 * in_family + 1.0 * sibling, 12_000, seed, names)
        found = favours(votes, FitSettings(), families)
        slugs += [favour.premium for favour in found.slug if favour]
        family += [favour.premium for favour in found.family if favour]
    assert np.mean(slugs) == pytest.approx(1.5, abs=0.15)
    assert 0.5 < np.mean(family) < 1.2


def test_its_own_answers_are_no_other_revision() -> None:
    votes = world(0, 0.0, cells=2_000)
    itself = Votes.of_codes(
        models=votes.models,
        judges=votes.judges,
        queries=votes.queries,
        judge=votes.first,
        first=votes.first,
        second=votes.second,
        query=votes.query,
        outcome=votes.outcome,
    )
    found = favours(itself, FitSettings(), FAMILY_OF)
    assert found.slug == (None,) * MODELS
    assert None not in found.family


def test_without_families_only_revisions_can_be_favoured() -> None:
    found = favours(world(0, 1.0, cells=500), FitSettings())
    assert found.family == (None,) * MODELS
    assert found.slug == (None,) * MODELS


def test_a_family_that_nobody_else_judges_is_not_judged() -> None:
    votes = world(0, 1.0, cells=2_000)
    alone = votes.where(np.isin(votes.judge, STRONG))
    assert favours(alone, FitSettings(), FAMILY_OF).family == (None,) * MODELS


def test_a_judge_who_never_decides_against_its_own_gets_a_finite_premium() -> None:
    votes = world(0, 0.0, cells=4_000)
    own = OWN[0] == OWN
    mine = votes.judge == 0
    loyal = with_outcomes(
        with_outcomes(votes, mine & own[votes.first] & ~own[votes.second], 0),
        mine & ~own[votes.first] & own[votes.second],
        1,
    )
    favour = favours(loyal, FitSettings(), FAMILY_OF).family[0]
    assert favour is not None
    assert 2 < favour.low < favour.high < 20


def test_favour_does_not_depend_on_the_order_of_votes() -> None:
    votes = world(1, 1.0, cells=2_000)
    assert favours(votes, FitSettings(), FAMILY_OF) == favours(shuffled(votes, 3), FitSettings(), FAMILY_OF)


def test_a_large_board_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dearena.scoring.reports.favour.ROOM", MODELS**2 * QUERIES // 2)
    favour = favours(world(2, 1.0), FitSettings(), FAMILY_OF).family[0]
    assert favour is not None
    assert favour.questions == QUERIES // 2
    assert favour.premium == pytest.approx(1, abs=4 * favour.error)


@pytest.mark.parametrize("cells", [1, 30, 200])
def test_few_votes_break_nothing(cells: int) -> None:
    for favour in favours(world(3, 1.0, cells=cells), FitSettings(), FAMILY_OF).family:
        assert favour is None or np.isfinite([favour.premium, favour.error]).all()
