"""Whether a judge favours its own family: by how much, in log-odds, beyond how good those answers are.

A family whose answers are better wins before its own judges as before all others, so the share of its wins
says nothing. Here the answers' appeal is taken from the judges of other families (`answer_effects`), and each
judge's votes are explained by it: log-odds = slope * appeal + premium * (own - other), where own and other are
1 for an answer of the judge's family. The slope is the judge's own. Appeal is not known but
estimated: its error is that of a shrunk estimate, which leaves a regression straight, and its variance flattens
the logistic curve by 1 / sqrt(1 + pi slope^2 variance / 8) (MacKay, Neural Computation 4, 1992).

Those other judges may favour their families too: what they add is taken from their votes, found in
turns. Standard errors are clustered by question. They speak of new questions before these same other judges:
where the others are few, a premium is a difference from them, and they may be the ones who are wrong. They take
strengths and the others' sharpness as known, and so are somewhat too small. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import expit

from dearena.names import InvalidName, Revision
from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.scoring.intervals import quantile
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.answer_effects import AnswerEffects, Looks, answer_effects
from dearena.scoring.settings import FitSettings
from dearena.scoring.votes import Votes

TURNS: Final = 4
"""At most, in which premiums and appeal are found by each other. What a turn leaves of other families' premiums
is about one part in as many as there are families."""

TURNED: Final = 0.02
"""Change of any premium, in log-odds, below which no further turn is taken: far below its error."""

PREMIUM_DEVIATION: Final = 3.0
"""Of the prior on a premium, in log-odds: keeps that of a judge finite who never once decides against its own."""

SLOPE_DEVIATION: Final = 1.0
"""Of the prior on a judge's slope around 1."""

STEP_LIMIT: Final = 200
"""Of a judge's regression; where it is met, nothing is said of the judge."""

STILL: Final = 1e-9
"""Change of any vote's log-odds below which a regression stands still."""

ROOM: Final = 2**21
"""Numbers in the covariances of effects (16 MB), and with them the work. On larger boards every k-th query
is looked at, which costs sureness, said by the errors, and no bias."""


@dataclass(frozen=True, slots=True)
class Favour:
    """What a judge adds to answers of its own, in log-odds.

    Attributes:
        premium: 0 for a judge who treats them as others do.
        error: standard error, clustered by question.
        low, high: interval at the settings' confidence.
        votes: between an answer of its own and another.
        questions: on which these are.
    """

    premium: float
    error: float
    low: float
    high: float
    votes: int
    questions: int


@dataclass(frozen=True, slots=True)
class Favours:
    """Of each judge, in canonical order; None where its votes cannot tell.

    Attributes:
        family: towards all of its family.
        slug: towards other revisions of its own slug, beside what it adds to the rest of its family.
    """

    family: tuple[Favour | None, ...]
    slug: tuple[Favour | None, ...]


def favours(votes: Votes, settings: FitSettings, families: Mapping[str, str] | None = None) -> Favours:
    """Estimate what each judge adds to answers of its own.

    Args:
        votes: preferences only.
        families: of models and judges, by name or by slug; those that are not named have none.

    Raises:
        FitDidNotConverge: the appeal of answers was not found.
    """
    family_of = {name: _family(name, families or {}) for name in (*votes.models, *votes.judges)}
    slug_of = {name: _slug(name) for name in family_of}
    house_of = {name: family_of[name] or slug_of[name] for name in family_of}
    of_house = _matches(votes, house_of)
    of_slug = _matches(votes, slug_of) & ~_matches(votes, {name: name for name in family_of})
    votes = _canonical(_thinned(votes))
    reader = _Reader(votes, settings, [house_of[judge] for judge in votes.judges], of_house)
    appeals = reader.appeals()
    family: list[Favour | None] = []
    slug: list[Favour | None] = []
    for judge, name in enumerate(votes.judges):
        appeal = appeals.get(house_of[name])
        of_rest = of_house[judge] & ~of_slug[judge]
        family.append(None if family_of[name] is None else reader.favour(judge, appeal, of_house[judge][:, None]))
        slug.append(reader.favour(judge, appeal, np.column_stack([of_slug[judge], of_rest])))
    return Favours(tuple(family), tuple(slug))


class _Reader:
    """The votes, read judge by judge."""

    def __init__(self, votes: Votes, settings: FitSettings, house: Sequence[str | None], own: BoolArray) -> None:
        self._votes, self._settings = votes, settings
        self._house, self._own = house, own
        # Answers are to a query; errors are clustered by question, which several queries may ask.
        asked, query = np.unique(votes.query, return_inverse=True)
        self._queries = len(asked)
        self._question_of: IntArray = (asked if votes.questions is None else votes.questions[asked]).astype(np.int64)
        half_win = np.array([1.0, 0.0, 0.5])[votes.outcome]
        weight: FloatArray = np.ones(len(votes))
        if votes.weight is not None:
            weight *= votes.weight * votes.unit
        self._looks = Looks(
            votes.first.astype(np.int64),
            votes.second.astype(np.int64),
            query,
            half_win,
            weight,
            np.zeros(len(votes)),
        )
        starts = np.searchsorted(votes.judge, np.arange(len(votes.judges) + 1))
        self._rows = [slice(starts[judge], starts[judge + 1]) for judge in range(len(votes.judges))]

    def appeals(self) -> dict[str | None, AnswerEffects]:
        """Appeal of answers before the judges of other houses, for each house whose judges voted on its answers."""
        votes, models = self._votes, len(self._votes.models)
        prior = self._settings.prior_deviation
        premium = np.zeros(len(self._house))
        crossing = self._own[votes.judge, votes.first].astype(float) - self._own[votes.judge, votes.second]
        tells = np.bincount(votes.judge[crossing != 0], minlength=len(self._house)) > 0
        homes = sorted({house for judge, house in enumerate(self._house) if house and tells[judge]})
        if not homes:
            return {}
        everybody = answer_effects(self._looks, models, self._queries, prior)
        found: dict[str | None, AnswerEffects] = {}
        for _ in range(TURNS):
            looks = replace(self._looks, offset=premium[votes.judge] * crossing)
            for home in homes:
                others = np.flatnonzero(np.array([house != home for house in self._house])[votes.judge])
                if len(others):
                    start = found.get(home, everybody)
                    found[home] = answer_effects(_some(looks, others), models, self._queries, prior, start)
            before, premium = premium, np.zeros(len(premium))
            for judge, house in enumerate(self._house):
                estimate = self.favour(judge, found.get(house), self._own[judge][:, None])
                premium[judge] = 0.0 if estimate is None else estimate.premium
            if np.max(np.abs(premium - before)) < TURNED:
                break
        return found

    def favour(self, judge: int, appeal: AnswerEffects | None, own: BoolArray) -> Favour | None:
        """What the judge adds to the models of the first column of `own`, beside those of the others."""
        looks = _some(self._looks, self._rows[judge])
        crossing = own[looks.first].astype(float) - own[looks.second]
        telling = crossing[:, 0] != 0
        question = self._question_of[looks.query]
        questions = _different(question[telling])
        if appeal is None or questions <= 1:
            return None
        difference, variance = appeal.differences(looks.first, looks.second, looks.query)
        used = np.concatenate([[True], np.any(crossing != 0, axis=0)])
        columns = np.column_stack([difference, crossing])[:, used]
        estimate = _regression(looks, question, columns, variance)
        if estimate is None:
            return None
        place, error = estimate
        reach = quantile(self._settings.confidence, questions - 1) * error
        return Favour(place, error, place - reach, place + reach, int(np.sum(telling)), questions)


def _regression(
    looks: Looks, question: IntArray, columns: FloatArray, variance: FloatArray
) -> tuple[float, float] | None:
    """Premium, the coefficient of the second column, and its standard error.

    A generalised estimating equation: the flattening follows the slope.

    Args:
        question: of each vote: the errors' clusters.
    """
    parameters = columns.shape[1]
    centre = np.array([1.0] + [0.0] * (parameters - 1))
    precision = np.array([SLOPE_DEVIATION**-2] + [PREMIUM_DEVIATION**-2] * (parameters - 1))
    place = centre.copy()
    for _ in range(STEP_LIMIT):
        flattened = columns / np.sqrt(1 + np.pi / 8 * place[0] ** 2 * variance)[:, None]
        mean = expit(flattened @ place)
        surplus = looks.weight * (looks.half_win - mean)
        information = flattened.T @ (flattened * (looks.weight * mean * (1 - mean))[:, None]) + np.diag(precision)
        full = np.linalg.solve(information, flattened.T @ surplus - precision * (place - centre))
        reach = float(np.max(np.abs(flattened @ full), initial=0.0))
        place = place + full * (np.log1p(reach) / reach if reach > 0 else 1.0)
        if reach < STILL:
            break
    else:
        return None
    asked, cluster = np.unique(question, return_inverse=True)
    sums = np.column_stack([np.bincount(cluster, surplus * column) for column in flattened.T])
    meat = sums.T @ sums * (len(asked) / (len(asked) - 1)) + np.diag(precision)
    bread = np.linalg.inv(information)
    return float(place[1]), float(np.sqrt((bread @ meat @ bread)[1, 1]))


def _some(looks: Looks, rows: IntArray | slice) -> Looks:
    return Looks(*(getattr(looks, name)[rows] for name in ("first", "second", "query", "half_win", "weight", "offset")))


def _matches(votes: Votes, label: Mapping[str, str | None]) -> BoolArray:
    """Whether judge (row) and model (column) have the same label, and have one."""
    judges = np.array([label[judge] or "" for judge in votes.judges], dtype=object)
    models = np.array([label[model] or "" for model in votes.models], dtype=object)
    return np.asarray((judges[:, None] == models[None, :]) & (models != "")[None, :], dtype=bool)


def _different(numbers: IntArray) -> int:
    """How many there are. Sorted, which is faster than NumPy's finding of unique numbers by hashes."""
    return int(np.count_nonzero(np.diff(np.sort(numbers)))) + 1 if len(numbers) else 0


def _thinned(votes: Votes) -> Votes:
    """The votes on all queries, or on every k-th."""
    asked = np.flatnonzero(np.bincount(votes.query, minlength=len(votes.queries)))
    step = -(-len(asked) * len(votes.models) ** 2 // ROOM)
    return votes if step <= 1 else votes.where(np.isin(votes.query, asked[::step]))


def _canonical(votes: Votes) -> Votes:
    """By judge, query and pair, the earlier model first: sums of them do not depend on how they came in."""
    turned = votes.first > votes.second
    swapped = np.array([CODES[Outcome.B], CODES[Outcome.A], CODES[Outcome.TIE]], dtype=np.int8)
    first, second = np.where(turned, votes.second, votes.first), np.where(turned, votes.first, votes.second)
    outcome = np.where(turned, swapped[votes.outcome], votes.outcome)
    keys = (outcome, second, first, votes.query, votes.judge)
    order = np.lexsort(keys if votes.weight is None else (votes.weight, *keys))
    return replace(votes, first=first, second=second, outcome=outcome).where(order)


def _family(name: str, families: Mapping[str, str]) -> str | None:
    # Never the same as a slug: both stand for houses.
    family = families.get(name) or families.get(_slug(name) or "")
    return f"family {family}" if family else None


def _slug(name: str) -> str | None:
    try:
        return Revision.parse(name).slug
    except InvalidName:
        return None
