"""Who of those that wait alone for a judge goes on. Pure.

Models come, are said to be of another family, may judge again, leave the ranking: whatever it was, a newcomer goes on
when the step that it would take next waits for no pair without a judge. No more go on at once than there is room for.
"""

from dearena.ranking import decisions
from dearena.ranking.agenda import room_beside
from dearena.ranking.court import Case, Court
from dearena.ranking.decisions import Decision
from dearena.ranking.holds import Cause
from dearena.ranking.pairs import Pair
from dearena.ranking.planning import pair_without_judge, without_judge
from dearena.ranking.ranking import Insertion


def review(case: Case) -> tuple[Decision, ...]:
    """The decisions about those who wait for a judge; none: nothing has changed about them.

    Args:
        case: between rounds, by what the next round would freeze.
    """
    court, state = Court(case, draws=False), case.state
    room = room_beside(state)
    found: list[Decision] = []
    for model in state.held:
        insertion, number = state.insertions[model], state.decisions + 1 + len(found)
        if insertion.hold is None or insertion.hold.cause is not Cause.NO_ELIGIBLE_JUDGE:
            continue
        lonely = _lonely(court, insertion)
        if lonely is None and room > 0:
            found.append(decisions.resumed(number, model, insertion.hold.cause))
            room -= 1
        elif lonely is not None and not _is_lonely(court, Pair(*insertion.hold.about)):
            # What it was said to wait for is there, or of no use any more.
            found.append(decisions.held(number, model, without_judge(lonely, case.rules.judge_policy)))
    return tuple(found)


def _lonely(court: Court, insertion: Insertion) -> Pair | None:
    *_, (_, _, step) = court.walk(insertion)
    return pair_without_judge(step)


def _is_lonely(court: Court, pair: Pair) -> bool:
    """Whether a newcomer's pair has an opponent that is ranked, and no judge."""
    return any(model in court.case.state.ranking for model in pair) and not court.judges_of(pair)
