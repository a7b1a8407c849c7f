"""Boards that might have been: the same votes without a judge, without a family, or read by other rules.

No new calls are made. A model whose rank is the same on all of them owes it to nobody in particular; one that
falls when a judge is left out stands on that judge. The boards are those of `fit.fit` on the votes that are
left, weights found anew; without intervals. Pure.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np

from dearena.identity import Digest
from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.scoring.fit import fit
from dearena.scoring.outcomes import CODES, PREFERENCES
from dearena.scoring.reports.placing import place
from dearena.scoring.reports.rank_stability import RankStability, agreement, rank_stability
from dearena.scoring.settings import FLIP_RULES, FitSettings
from dearena.scoring.strengths import FitDidNotConverge
from dearena.scoring.style import Style
from dearena.scoring.ties import TIE_RULES
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import BY_STRENGTH, WEIGHTINGS, uniform


class Kind(StrEnum):
    """In what a board differs from the base."""

    JUDGE = "judge"
    """Without the votes of one judge."""
    FAMILY_JUDGES = "family_judges"
    """Without the votes of a family's judges; its models still stand."""
    FAMILY = "family"
    """Without a family altogether: neither votes by its judges nor on its models."""
    WEIGHTING = "weighting"
    TIES = "ties"
    FLIPS = "flips"
    STYLE = "style"


DEFAULT_KINDS: Final = frozenset(Kind) - {Kind.FAMILY}
"""`FAMILY` asks who would stand where if some had never come, not how far the ranks can be relied on."""

UNHEARD_SHARE: Final = 0.2
"""Share of a weighting's whole weight that judges who were never asked may hold. Ratios to draws make up for judges
that were drawn seldom; nothing makes up for one that was not drawn, and beyond a fifth the board is another jury's."""


@dataclass(frozen=True, slots=True, eq=False)
class OtherBoard:
    """One board.

    Attributes:
        what: the judge or family left out, the rule followed instead, or the features controlled for.
        votes: preferences and ties that it rests on.
        strengths: in log-odds, mean 0; shape (models of the base,), 0 where a model has no vote.
        rank: among the models that have a vote; 0 for the others.
        agreement: Kendall's tau with the base, over the models ranked on both; None: fewer than two.
        settled: whether weights and strengths came to stand still.
        fault: why there is no such board; None: there is one. All else is 0 then.
    """

    kind: Kind
    what: str
    settings: FitSettings
    votes: int
    strengths: FloatArray
    rank: IntArray
    agreement: float | None
    settled: bool
    fault: str | None = None

    @property
    def digest(self) -> Digest:
        """Of the settings."""
        return self.settings.digest


@dataclass(frozen=True, slots=True, eq=False)
class Counterfactuals:
    """The board and those that might have been.

    Attributes:
        models: in canonical order.
        strengths, rank, group: of the base, rank and group 0 for a model without a vote; models of one
            group cannot be told apart (`ranks.separation`).
        boards: by kind, then by name.
        stability: of each model's rank over the boards that could be made.
    """

    models: tuple[str, ...]
    settings: FitSettings
    strengths: FloatArray
    rank: IntArray
    group: IntArray
    boards: tuple[OtherBoard, ...]
    stability: RankStability

    @property
    def failed(self) -> tuple[OtherBoard, ...]:
        """Boards that could not be made."""
        return tuple(board for board in self.boards if board.fault is not None)


@dataclass(frozen=True, slots=True, eq=False)
class _Variant:
    """A board to be made: settings, and which votes it does without; None: none."""

    kind: Kind
    what: str
    settings: FitSettings
    without_judges: BoolArray | None = None
    without_models: BoolArray | None = None


def counterfactuals(
    votes: Votes,
    settings: FitSettings,
    *,
    families: Mapping[str, str] | None = None,
    style: Style | None = None,
    which: Collection[Kind] | None = None,
    may_judge: Collection[str] = (),
) -> Counterfactuals:
    """Make the boards.

    Args:
        settings: of the base, on which style is not controlled.
        families: of models and judges, by name; those without one are left out with none.
        style: what the answers look like; without it there is no board with style controlled.
        which: kinds of boards; None: `DEFAULT_KINDS`.
        may_judge: models that may be drawn as judges. Where votes count by their draws, another weighting that gives
            those of them who judged nothing more than `UNHEARD_SHARE` is refused.

    Raises:
        FitDidNotConverge: the base could not be fitted. Any other board is given with its fault.
    """
    kinds = DEFAULT_KINDS if which is None else frozenset(which)
    base = fit(votes, settings)
    ranked = base.votes > 0
    rank = np.where(ranked, base.rank, 0)
    group = np.where(ranked, base.separation().groups, 0)
    summed = _summed(votes)
    unheard = _Unheard.of(votes, may_judge)
    boards = []
    for variant in _variants(votes, settings, families or {}, style):
        if variant.kind in kinds:
            log, of_row = (votes, np.ones(len(votes), np.int64)) if variant.kind is Kind.STYLE else summed
            boards.append(_board(variant, log, of_row, style if variant.kind is Kind.STYLE else None, rank, unheard))
    made = [board.rank for board in boards if board.fault is None]
    return Counterfactuals(
        models=votes.models,
        settings=settings,
        strengths=base.strengths,
        rank=rank,
        group=group,
        boards=tuple(boards),
        stability=rank_stability(rank, group, made),
    )


def _variants(
    votes: Votes, settings: FitSettings, families: Mapping[str, str], style: Style | None
) -> Iterator[_Variant]:
    voted = np.bincount(votes.judge[_counts(votes, settings)], minlength=len(votes.judges)) > 0
    for number, judge in enumerate(votes.judges):
        if voted[number]:
            yield _Variant(Kind.JUDGE, judge, settings, np.arange(len(votes.judges)) == number)
    family_of_judge = np.array([families.get(judge, "") for judge in votes.judges], dtype=object)
    family_of_model = np.array([families.get(model, "") for model in votes.models], dtype=object)
    for family in sorted({family for family in families.values() if family}):
        judges, models = family_of_judge == family, family_of_model == family
        if np.any(judges & voted):
            yield _Variant(Kind.FAMILY_JUDGES, family, settings, judges)
        if np.any(judges & voted) or np.any(models):
            yield _Variant(Kind.FAMILY, family, settings, judges, models)
    others = [
        *((Kind.WEIGHTING, rule, replace(settings, weighting=rule)) for rule in WEIGHTINGS),
        *((Kind.TIES, rule, replace(settings, ties=rule)) for rule in TIE_RULES),
        *((Kind.FLIPS, rule, replace(settings, flips=rule)) for rule in FLIP_RULES),
    ]
    yield from (_Variant(kind, rule, other) for kind, rule, other in others if other != settings)
    if style is not None:
        yield _Variant(Kind.STYLE, ", ".join(style.names), settings)


@dataclass(frozen=True, slots=True, eq=False)
class _Unheard:
    """Models that may judge, and those of them who never did; shape (models,) each."""

    models: tuple[str, ...]
    may_judge: BoolArray
    unheard: BoolArray

    @classmethod
    def of(cls, votes: Votes, may_judge: Collection[str]) -> Self:
        """Nobody, where votes do not count by their draws: then no weighting is made up for by ratios."""
        judged = {votes.judges[judge] for judge in np.unique(votes.judge).tolist()}
        names = frozenset(() if votes.weight is None else may_judge)
        may = np.array([model in names for model in votes.models], dtype=bool)
        return cls(votes.models, may, may & np.array([model not in judged for model in votes.models], dtype=bool))

    def fault(self, weighting: str, strengths: FloatArray) -> str | None:
        """Why a weighting cannot be asked for; a judge of whom nothing is learnt counts as the average."""
        if not self.unheard.any():
            return None
        raw = BY_STRENGTH.get(weighting, uniform)(strengths)
        share = float(np.sum(raw[self.unheard]) / np.sum(raw[self.may_judge]))
        if share <= UNHEARD_SHARE:
            return None
        names = ", ".join(model for model, one in zip(self.models, self.unheard, strict=True) if one)
        return f"judges who were never asked would hold {share:.0%} of the weight: {names}"


def _board(
    variant: _Variant, votes: Votes, of_row: IntArray, style: Style | None, base: IntArray, unheard: _Unheard
) -> OtherBoard:
    """Make one.

    Args:
        of_row: how many votes each row of `votes` stands for.
        base: ranks on the base.
    """
    left = np.ones(len(votes), dtype=bool)
    if variant.without_judges is not None:
        left &= ~variant.without_judges[votes.judge]
    if variant.without_models is not None:
        left &= ~(variant.without_models[votes.first] | variant.without_models[votes.second])
    count = int(np.sum(of_row[left & _counts(votes, variant.settings)]))
    nowhere = np.zeros(len(votes.models), dtype=np.int64)
    none = OtherBoard(
        variant.kind, variant.what, variant.settings, count, nowhere.astype(np.float64), nowhere, None, settled=False
    )
    if not count:
        return replace(none, fault="no votes are left")
    try:
        found = place(votes if np.all(left) else votes.where(np.flatnonzero(left)), variant.settings, style)
    except FitDidNotConverge as fault:
        return replace(none, fault=str(fault))
    if variant.kind is Kind.WEIGHTING and (refusal := unheard.fault(variant.what, found.strengths)):
        return replace(none, votes=0, fault=refusal)
    rank = np.where(found.seen, found.rank, 0)
    return replace(
        none,
        strengths=np.where(found.seen, found.strengths, 0.0),
        rank=rank,
        agreement=agreement(base, rank),
        settled=found.judging.settled,
    )


def _counts(votes: Votes, settings: FitSettings) -> BoolArray:
    """Whether a vote enters a fit under these settings."""
    entering = [*PREFERENCES, *([Outcome.FLIP] if settings.flips == "half" else [])]
    counts = np.isin(votes.outcome, [CODES[outcome] for outcome in entering])
    return counts if votes.weight is None else counts & (votes.weight > 0)


def _summed(votes: Votes) -> tuple[Votes, IntArray]:
    """Votes of one judge on one pair with one outcome as a single row of their weight, and how many it stands for.

    Strengths depend on no more than that, and boards are many.
    """
    if votes.weight is not None:
        votes = votes.where(np.flatnonzero(votes.weight))  # what weighs nothing does not enter
    models, outcomes = len(votes.models), len(CODES)
    key = ((votes.judge.astype(np.int64) * models + votes.first) * models + votes.second) * outcomes + votes.outcome
    keys, row, many = np.unique(key, return_inverse=True, return_counts=True)
    weight = np.zeros(len(keys), dtype=np.int64)
    np.add.at(weight, row, 1 if votes.weight is None else votes.weight)
    keys, outcome = np.divmod(keys, outcomes)
    keys, second = np.divmod(keys, max(models, 1))
    judge, first = np.divmod(keys, max(models, 1))
    summed = replace(
        votes,
        judge=judge.astype(np.int32),
        first=first.astype(np.int32),
        second=second.astype(np.int32),
        query=np.zeros(len(keys), dtype=np.int32),
        outcome=outcome.astype(np.int8),
        weight=weight,
        seats=None,
    )
    return summed, many
