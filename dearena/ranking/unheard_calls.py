"""Judge calls that no outcome tells of: what is in the gateway's ledger and not in the log. Pure.

A cell may be asked in one seat order and refused in the other, for money; work may be given up; a call may be under way
now. The judge was shown answers all the same, and the log does not tell whose. Only its provider can be held against
the policy. Trials of attacks are about no model's answers, and the ledger says so: they show texts of the corpus.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class LedgerCalls(NamedTuple):
    """Judge calls of one dimension in the ledger.

    Attributes:
        judge: revision that was called.
        of_answers: on behalf of models whose answers it was shown; else it was shown none of the dimension's.
    """

    judge: str
    of_answers: bool
    calls: int


class Unheard(NamedTuple):
    """Calls of a judge that no outcome tells of.

    Attributes:
        providers: all that the log has had of the judge, in the order of names; empty: it was never admitted.
        forbidden: none of these may see the dimension.
    """

    judge: str
    providers: tuple[str, ...]
    calls: int
    forbidden: bool


def unheard(
    ledger: Iterable[LedgerCalls],
    heard: Mapping[str, int],
    providers: Mapping[str, frozenset[str]],
    shown: frozenset[str],
) -> tuple[tuple[Unheard, ...], int]:
    """What judges were asked beside the calls that outcomes tell of, in the order of judges; and calls of trials.

    Args:
        ledger: of the dimension.
        heard: calls that outcomes tell of, by judge.
        providers: that the log has had, by model.
        shown: of all of these, the ones that may see the dimension.
    """
    of_answers, others = Counter[str](), Counter[str]()
    for one in ledger:
        (of_answers if one.of_answers else others)[one.judge] += one.calls
    found: list[Unheard] = []
    trials = 0
    for judge in sorted(of_answers | others):
        beyond = of_answers[judge] - heard.get(judge, 0)
        # Ledgers of earlier versions did not say on whose behalf a vote was asked.
        trials += max(0, others[judge] + min(beyond, 0))
        if beyond > 0:
            whose = providers.get(judge, frozenset())
            found.append(Unheard(judge, tuple(sorted(whose)), beyond, not whose & shown))
    return tuple(found), trials
