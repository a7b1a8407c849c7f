"""What is done between rounds: note who has left, admit who comes next, open a round, or wait and say why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from dearena.ranking import decisions, seeding
from dearena.ranking.admission import awaited, next_admission
from dearena.ranking.decisions import NEWCOMER, SEED, Decision
from dearena.ranking.eligibility import eligible
from dearena.ranking.entrants import Entrant, changes
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import RankingState
from dearena.ranking.rules import Rules


@dataclass(frozen=True, slots=True)
class OpenRound:
    """The time has come for the next round."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done, for this reason."""

    reason: str


def no_eligible_judge(pair: Pair) -> Wait:
    """Nobody may judge this pair, and nothing can go on without it."""
    return Wait(f"no eligible judge for {pair.model_a} against {pair.model_b}")


def waiting_reason(reason: str) -> str:
    """As it is shown."""
    return f"WAITING({reason})"


def between_rounds(
    state: RankingState, rules: Rules, entrants: Sequence[Entrant]
) -> tuple[Decision, ...] | OpenRound | Wait:
    """The next thing to do while no round is open and no board is awaited.

    Newcomers are admitted one at a time, and only when nobody is being inserted: so the log does not
    depend on how early the answers of those behind them are ready.

    Args:
        state: of the dimension.
        rules: of the dimension.
        entrants: as the gateway tells of them now, in the order of registration.
    """
    if found := changes(state.admitted, entrants, rules.allowed_providers):
        return tuple(decisions.changed(number, change) for number, change in enumerate(found, state.decisions + 1))
    if state.newcomer:
        return OpenRound()
    return _next_newcomer(state, entrants) if state.ranking else _seeding(state, rules, entrants)


def _next_newcomer(state: RankingState, entrants: Sequence[Entrant]) -> tuple[Decision, ...] | OpenRound | Wait:
    if entrant := next_admission(entrants, state.admitted):
        return (decisions.admitted(state.decisions + 1, entrant, NEWCOMER, len(state.ranking)),)
    if state.outdated:
        return OpenRound()
    if collecting := awaited(entrants, state.admitted):
        return Wait(_collecting(collecting))
    return Wait("no newcomer")


def _seeding(state: RankingState, rules: Rules, entrants: Sequence[Entrant]) -> tuple[Decision, ...] | OpenRound | Wait:
    """More seeds are admitted until there are enough, and every pair of them has a judge."""
    seeds = state.seeds
    lonely = seeding.pair_without_judge(
        seeds, lambda pair: eligible(seeds, pair, state.admitted, rules.allowed_providers)
    )
    if len(seeds) >= rules.seed_models and lonely is None:
        return OpenRound()
    if entrant := next_admission(entrants, state.admitted):
        return (decisions.admitted(state.decisions + 1, entrant, SEED, 0),)
    if state.outdated and not seeds:
        return OpenRound()
    reasons = []
    if len(seeds) < rules.seed_models:
        reasons.append(f"fewer than {rules.seed_models} seed models ready: {len(seeds)}")
    elif lonely is not None:
        reasons.append(no_eligible_judge(lonely).reason)
    if collecting := awaited(entrants, state.admitted):
        reasons.append(_collecting(collecting))
    return Wait("; ".join(reasons))


def _collecting(models: Sequence[str]) -> str:
    more = f" and {len(models) - 1} more" if len(models) > 1 else ""
    return f"answers of {models[0]}{more} are being collected"
