"""Style control: how long and how marked-up an answer is, as what else may sway a judge.

A feature enters a vote as the normalised difference of the two answers, (a - b) / (a + b), from -1 to 1, as in
Chatbot Arena's style control, divided by the root mean square of such differences over the votes: a coefficient
is log-odds a standard deviation, and strengths are those of answers alike in style. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from dearena.faults import InvalidField
from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.scoring.markup import Markup, markup
from dearena.scoring.residuals import EXACT_BITS
from dearena.scoring.votes import Votes


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """Features of answers.

    Attributes:
        names: of the features.
        models, queries: which answers are known.
        values: counts, at least 0, shape (queries, models, features); NaN: the answer is not known.
    """

    names: tuple[str, ...]
    models: tuple[str, ...]
    queries: tuple[str, ...]
    values: FloatArray

    @classmethod
    def of_texts(cls, answers: Iterable[tuple[str, str, str]]) -> Self:
        """Features of answers, counted from their markdown.

        Args:
            answers: model, query and text of each, in any order.

        Raises:
            InvalidField: a model has two answers to one query.
        """
        counts: dict[tuple[str, str], Markup] = {}
        for model, query, text in answers:
            if (query, model) in counts:
                raise InvalidField.of("answers", f"{model} answers {query} twice")
            counts[query, model] = markup(text)
        queries = tuple(sorted({query for query, _ in counts}))
        models = tuple(sorted({model for _, model in counts}))
        row_of, column_of = _places(queries), _places(models)
        values = np.full((len(queries), len(models), len(Markup._fields)), np.nan)
        for (query, model), counted in counts.items():
            values[row_of[query], column_of[model]] = counted
        return cls(Markup._fields, models, queries, values)

    def differences(self, votes: Votes) -> FloatArray:
        """First answer's features against the second's, of mean square 1 over the votes; shape (votes, features).

        0 where one of the answers is not known, as between answers that are alike, and throughout a feature
        in which no two answers differ. The scale does not depend on the order of the votes, nor on which of
        two models is the first.
        """
        if not len(votes) or not self.names:
            return np.zeros((len(votes), len(self.names)))
        known = len(votes) - self.missing(votes)
        found = np.empty((len(votes), len(self.names)))
        for feature in range(len(self.names)):
            differences = self._of_feature(votes, self.values[:, :, feature])
            found[:, feature] = differences / _root_mean_square(differences, known)
        return found

    def missing(self, votes: Votes) -> int:
        """Votes on an answer that is not known."""
        return int(len(votes) - np.count_nonzero(self._known(votes)))

    def _known(self, votes: Votes) -> BoolArray:
        if not self.values.size:
            return np.zeros(len(votes), dtype=bool)
        return ~np.isnan(self._of_feature(votes, self.values[:, :, 0], unknown=np.nan))

    def _of_feature(self, votes: Votes, values: FloatArray, unknown: float = 0.0) -> FloatArray:
        """(a - b) / (a + b) of each vote, by a table over the votes' own names."""
        rows = _indices(votes.queries, self.queries)
        columns = _indices(votes.models, self.models)
        # One more row and column, of answers that are not known, which the index -1 finds.
        padded = np.full((len(self.queries) + 1, len(self.models) + 1), np.nan)
        padded[:-1, :-1] = values
        table = padded[rows[:, None], columns[None, :]].ravel()
        start = votes.query.astype(np.int64) * len(votes.models)
        first, second = table[start + votes.first], table[start + votes.second]
        total = first + second
        difference: FloatArray = (first - second) / np.where(total == 0, 1.0, total)
        difference[np.isnan(total)] = unknown
        return difference


def _root_mean_square(differences: FloatArray, known: int) -> float:
    """Of those of the `known` votes, the others being 0; 1 where all are 0."""
    largest = float(np.max(np.abs(differences)))
    if not largest:
        return 1.0
    # In whole steps, whose sum does not depend on the order.
    step = 2.0 ** -np.floor(EXACT_BITS - np.log2(len(differences)))
    total = float(np.sum(np.rint(np.square(differences / largest) / step)) * step)
    return largest * float(np.sqrt(total / known))


def _places(names: Sequence[str]) -> Mapping[str, int]:
    return {name: index for index, name in enumerate(names)}


def _indices(names: Sequence[str], among: Sequence[str]) -> IntArray:
    """Where each name stands among others; -1: nowhere."""
    place = _places(among)
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)
