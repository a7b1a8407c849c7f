"""The jury of the method's makers: every judge on every query. The reference that others are compared with. Pure."""

from dearena.ranking.draws import every
from dearena.ranking.jury import Hearing, Ruling
from dearena.ranking.verdict import weigh


def exhaustive(hearing: Hearing) -> Ruling:
    """Every judge on every query; what has an outcome is not asked again."""
    asked = every(hearing.pair, hearing.judges, hearing.queries, hearing.askable)
    outcomes = [
        (ask.judge, heard.outcome)
        for ask in asked
        if (heard := hearing.evidence.get(ask.ballot)) and ask.judge not in hearing.silent
    ]
    verdict = weigh(hearing.pair, outcomes, hearing.weights)
    wanted = tuple(ask for ask in asked if ask.ballot not in hearing.evidence)
    return Ruling(verdict, waits=bool(wanted), wanted=wanted)
