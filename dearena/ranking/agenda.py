"""What is done between rounds: note who has left, admit who comes next, open a round, or wait and say why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dearena.ranking import decisions, seeding
from dearena.ranking.admission import next_admissions
from dearena.ranking.decisions import NEWCOMER, SEED, Decision
from dearena.ranking.eligibility import eligible
from dearena.ranking.entrants import Admitted, Entrant, changes
from dearena.ranking.judge_policy import JudgePolicy
from dearena.ranking.orders import Order
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import RankingState
from dearena.ranking.rules import Rules

AT_REST: Final = "no newcomer"
"""Why nothing is done where nothing is to be done."""
CLOSED: Final = "the pilot is closed"
"""Why nothing is done where nobody hears what comes of it."""


@dataclass(frozen=True, slots=True)
class OpenRound:
    """The time has come for the next round."""


@dataclass(frozen=True, slots=True)
class ReviewHeld:
    """Before anybody else is admitted, those who wait alone are looked at: who can go on has its turn first."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done, for this reason."""

    reason: str


def no_eligible_judge(pair: Pair, policy: JudgePolicy) -> Wait:
    """Nobody may judge this pair, and nothing can go on without it."""
    told = str(policy)
    return Wait(f"no eligible judge for {pair.model_a} against {pair.model_b}{f': {told}' if told else ''}")


def waiting_reason(reason: str) -> str:
    """As it is shown."""
    return f"WAITING({reason})"


def between_rounds(
    state: RankingState,
    rules: Rules,
    entrants: Sequence[Entrant],
    orders: Sequence[Order] = (),
    *,
    revised_to: int = 0,
) -> tuple[Decision, ...] | OpenRound | ReviewHeld | Wait:
    """The next thing to do while no round is open and no board is awaited.

    Args:
        state: of the dimension.
        rules: of the dimension.
        entrants: as the gateway tells of them now, in the order of registration.
        orders: of operators, in order; what the log has taken up already does no harm.
        revised_to: a version of the dimension that is newer than the one which is ranked; 0: there is none.
    """
    number = state.decisions + 1
    if found := changes(state.admitted, entrants, rules.allowed_providers):
        return tuple(decisions.changed(number + place, change) for place, change in enumerate(found))
    if order := next((order for order in orders if order.number > state.orders), None):
        return (decisions.ordered(number, order),)
    if revised_to:
        return (decisions.revised(number, revised_to, state.last_closed_round + 1),)
    return ReviewHeld() if state.held else after_review(state, rules, entrants)


def after_review(
    state: RankingState, rules: Rules, entrants: Sequence[Entrant]
) -> tuple[Decision, ...] | OpenRound | Wait:
    """Likewise where nothing is to be noted, nor decided about those who wait alone."""
    if not state.ranking and not state.newcomers:
        return _seeding(state, rules, entrants)
    return _inserting(state, entrants)


def _inserting(state: RankingState, entrants: Sequence[Entrant]) -> tuple[Decision, ...] | OpenRound | Wait:
    """Whoever is ready is admitted, as far as there is room; then a round for all who are being inserted.

    When nobody is, comparisons that were ordered are asked, a refinement goes on, or a board is made that has become
    outdated.
    """
    cohorts = {state.admitted[model].cohort for model in state.newcomers}
    admission = next_admissions(entrants, state.admitted, cohorts, room_beside(state))
    if admission.ready:
        return tuple(
            decisions.admitted(number, entrant, NEWCOMER, len(state.ranking))
            for number, entrant in enumerate(admission.ready, state.decisions + 1)
        )
    if state.newcomers or state.outdated or state.ordered or state.refinement:
        return OpenRound()
    reasons = [_collecting(admission.awaited, entrants)] if admission.awaited else []
    reasons += _held(state)
    return Wait("; ".join(reasons) or AT_REST)


def room_beside(state: RankingState) -> int:
    """How many more may be inserted at once: no more than half as many as are ranked, who are their measure."""
    return max(1, len(state.ranking) // 2) - len(state.newcomers)


def _seeding(state: RankingState, rules: Rules, entrants: Sequence[Entrant]) -> tuple[Decision, ...] | OpenRound | Wait:
    """Seeds are admitted until there are enough; then only who gives a judge to a pair of them that has none."""
    seeds = state.seeds
    lonely = seeding.pair_without_judge(seeds, lambda pair: eligible(seeds, pair, state.admitted, rules.judge_policy))
    if len(seeds) >= rules.seed_models:
        if lonely is None:
            return OpenRound()
        # Anybody else would be one more to compare with all seeds, and bring the pair no nearer to a judge.
        helpful = [one for one in entrants if _could_judge(one, lonely, state, rules.judge_policy)]
    else:
        helpful = list(entrants)
    admission = next_admissions(helpful, state.admitted, (), 1)
    if admission.ready:
        return (decisions.admitted(state.decisions + 1, admission.ready[0], SEED, 0),)
    if (state.outdated or state.ordered) and not seeds:
        return OpenRound()
    reasons = []
    if len(seeds) < rules.seed_models:
        reasons.append(f"fewer than {rules.seed_models} seed models ready: {len(seeds)}")
    elif lonely is not None:
        reasons.append(no_eligible_judge(lonely, rules.judge_policy).reason)
    if admission.awaited:
        reasons.append(_collecting(admission.awaited, entrants))
    return Wait("; ".join(reasons))


def _could_judge(entrant: Entrant, pair: Pair, state: RankingState, policy: JudgePolicy) -> bool:
    """Whether an entrant would be a judge of this pair, were it admitted."""
    judge = Admitted(entrant.model, entrant.provider, entrant.family, entrant.judge_parameters_hash, entrant.may_judge)
    return bool(eligible((entrant.model,), pair, {**state.admitted, entrant.model: judge}, policy))


def _held(state: RankingState) -> list[str]:
    """What those wait for who wait alone: the first of them by its reason, and how many more there are."""
    found = [hold.reason for model in state.held if (hold := state.insertions[model].hold)]
    more = len(found) - 1
    return [f"{found[0]}{f', and {more} more newcomers wait alone' if more else ''}"] if found else []


def _collecting(models: Sequence[str], entrants: Sequence[Entrant]) -> str:
    """Whose answers are awaited, and what keeps the first of them, as the gateway says."""
    more = f" and {len(models) - 1} more" if len(models) > 1 else ""
    kept = next((entrant.reason for entrant in entrants if entrant.model == models[0]), "")
    return f"answers of {models[0]}{more} are being collected{f': {kept}' if kept else ''}"
