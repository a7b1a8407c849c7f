"""Hears pairs for whoever searches: who may judge, how far the jury goes, what it says so far. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dearena.ranking.draws import Askable, Shown, always
from dearena.ranking.eligibility import eligible, judges_of_insertion
from dearena.ranking.evidence import Evidence
from dearena.ranking.frozen import Frozen
from dearena.ranking.insertion import Coarse, Fine, Phase, Search, Settled, Step, advance
from dearena.ranking.jury import Hearing, Patience, Ruling
from dearena.ranking.pairs import Pair
from dearena.ranking.patience import of_insertion, of_seeds
from dearena.ranking.ranking import Insertion, RankingState
from dearena.ranking.rules import Rules
from dearena.ranking.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Case:
    """All that a court goes by.

    Attributes:
        state: of the ranking.
        rules: of the dimension.
        queries: ids of the dimension's queries, in order.
        frozen: inputs of the round.
        evidence: of all closed rounds, and of the one that is closing.
        salt: other dimensions draw other lots.
        askable: what can be asked at all.
    """

    state: RankingState
    rules: Rules
    queries: tuple[str, ...]
    frozen: Frozen
    evidence: Evidence
    salt: str = ""
    askable: Askable = always


@dataclass(frozen=True, slots=True)
class Court:
    """Hears the pairs of one round, one after another: each takes note of the answers that those before it want.

    Attributes:
        draws: whether what juries want is drawn; else it is only known that they want something.
    """

    case: Case
    draws: bool = True
    shown: Shown = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what has been shown in closed rounds."""
        object.__setattr__(self, "shown", Shown(self.case.evidence))

    def judges_of(self, pair: Pair, phase: Phase | None = None) -> tuple[str, ...]:
        """Who may judge a pair: of a newcomer in this phase, or of seeds, or of ranked models."""
        state, policy = self.case.state, self.case.rules.judge_policy
        if phase is None or isinstance(phase, Settled):
            return eligible(state.seeds or state.ranking, pair, state.admitted, policy)
        return judges_of_insertion(phase, state.ranking, pair, state.admitted, policy)

    def hear(self, pair: Pair, judges: tuple[str, ...], patience: Patience) -> Ruling:
        """What the jury says by the evidence so far."""
        case = self.case
        return case.rules.policy()(
            Hearing(
                pair,
                judges,
                case.queries,
                case.frozen.weights,
                case.evidence.of_pair(pair),
                patience,
                costs=case.frozen.costs,
                silent=case.state.suspended,
                shown=self.shown if self.draws else None,
                salt=case.salt,
                askable=case.askable,
            )
        )

    def of_seeds(self, pair: Pair) -> Ruling | None:
        """The ruling on two seeds; None while nobody may judge them."""
        judges = self.judges_of(pair)
        return self.hear(pair, judges, of_seeds(self.case.rules, len(self.case.state.seeds))) if judges else None

    def search_of(self, insertion: Insertion) -> Search:
        """What the next steps of a newcomer depend on."""
        case, model = self.case, insertion.model
        ranking = case.state.ranking

        def hear(pair: Pair, phase: Phase) -> Ruling | None:
            judges = self.judges_of(pair, phase)
            return self.hear(pair, judges, of_insertion(case.rules, phase, len(ranking))) if judges else None

        standing = self.standing_of(model)
        return Search(
            newcomer=model,
            ranking=ranking,
            limits=case.rules.limits,
            hear=hear,
            standing=standing,
            over=self._is_over(insertion, standing),
            unmet=self._is_unmet(model, standing),
        )

    def walk(self, insertion: Insertion) -> Iterator[tuple[Search, Coarse | Fine, Step]]:
        """Every step that the outcomes allow a newcomer: by what, from where, and where to; last, what it waits for."""
        phase, search = insertion.phase, self.search_of(insertion)
        while isinstance(phase, Coarse | Fine):
            step = advance(phase, search)
            yield search, phase, step
            if step.after is None:
                return
            phase = step.after
            if isinstance(phase, Fine):
                over = self._is_over(replace(insertion, phase=phase), search.standing)
                search = replace(search, over=over)

    def standing_of(self, model: str) -> Standing:
        """Where a newcomer stands by all its votes."""
        case = self.case
        return standing_of(
            model, case.evidence.of_model(model), case.state.ranking, case.frozen.known, case.state.suspended
        )

    def cells_left(self, model: str) -> int | None:
        """Cells until the newcomer's target of calls is reached; None where there is none."""
        rules = self.case.rules
        if not rules.target_calls:
            return None
        return max(0, rules.target_calls // rules.calls_a_cell - self.case.evidence.spent_on(model).cells)

    def _is_over(self, insertion: Insertion, standing: Standing) -> bool:
        """Whether it has used up what it may, or knows its rank as well as was asked."""
        rules = self.case.rules
        spent = self.case.evidence.spent_on(insertion.model)
        used_up = (
            len(insertion.rounds) >= rules.most_rounds
            or self.cells_left(insertion.model) == 0
            or 0 < rules.target_cost_nano_units <= spent.costs[rules.target_cost_currency]
        )
        looked_around = isinstance(insertion.phase, Fine) and not insertion.phase.survey
        return used_up or (looked_around and rules.target_rank_width > 0 and standing.width <= rules.target_rank_width)

    def _is_unmet(self, model: str, standing: Standing) -> bool:
        rules = self.case.rules
        return bool(self.cells_left(model)) or 0 < rules.target_rank_width < standing.width
