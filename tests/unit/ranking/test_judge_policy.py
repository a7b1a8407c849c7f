"""Who may judge what, through whole insertions; and that the log proves it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.ranking.agenda import Wait
from dearena.ranking.audit import Audit, Finding, Judged, audit
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Admitted
from dearena.ranking.evidence import CANARY, VOTE
from dearena.ranking.judge_policy import JudgePolicy, policy_in
from dearena.ranking.ranking import GapInLog
from dearena.ranking.rules import Rules
from dearena.ranking.unheard_calls import LedgerCalls, Unheard
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

FAMILIES = ("greek", "latin", "")
PROVIDERS = ("in-house", "abroad")
POLICY = Rules(
    seed_models=4,
    canary_every=2,
    allowed_providers=frozenset({*PROVIDERS, "none"}),
    judge_providers=frozenset({"in-house"}),
    exclude_family=True,
)


def peopled(rules: Rules, models: int = 12) -> Played:
    """Models of three families and two providers, by turns."""
    played = Played(Planted.economy(3, models, 10), rules)
    for place, model in enumerate(played.planted.models):
        played.change(model, family=FAMILIES[place % 3], provider=PROVIDERS[place % 4 == 3])
    return played


def judged(played: Played) -> list[Judged]:
    return [
        Judged(number, vote.cell_id, vote.kind, vote.judge, *vote.pair, vote.query_id, vote.judge_calls)
        for number, votes in played.votes.items()
        for vote in votes
    ]


def audited(
    played: Played, outcomes: list[Judged] | None = None, log: list[Decision] | None = None, *further: LedgerCalls
) -> Audit:
    """By all that can be known: what the dimension declares, and a ledger of all calls, and of further ones."""
    told = judged(played) if outcomes is None else outcomes
    ledger = [LedgerCalls(one.judge, of_answers=True, calls=one.judge_calls) for one in told]
    return audit(log or played.log, told, played.rules.judge_policy, [*ledger, *further])


def test_votes_and_canaries_of_seeds_insertions_and_refinements_obey_the_policy() -> None:
    played = peopled(POLICY)
    played.rest()
    played.refine(120)
    of = {one.model: one for one in played.entrants}
    outcomes = judged(played)
    assert {one.kind for one in outcomes} == {VOTE, CANARY}
    assert any(one.content["refines"] and one.content["cells"] for one in played.of_kind(DecisionKind.ROUND_OPENED))
    for one in outcomes:
        assert of[one.judge].provider == "in-house"
        assert of[one.judge].family == "" or of[one.judge].family not in {
            of[one.model_a].family,
            of[one.model_b].family,
        }
    assert len(played.state.ranking) == 12
    found = audited(played, outcomes)
    assert found.finding is Finding.PROVEN
    assert found.votes + found.canaries == len(outcomes)
    assert found.policies == ((1, POLICY.judge_policy),)
    assert not found.silent_rounds
    (seen,) = [found.seen["in-house"]]
    assert set(found.seen) == {"in-house"}
    assert seen.answers == len({(one.query_id, model) for one in outcomes for model in (one.model_a, one.model_b)})
    assert 0 < seen.others < seen.answers


def test_without_a_policy_families_and_providers_do_judge_their_own() -> None:
    """The world in which the rules above forbid something."""
    played = peopled(Rules(seed_models=4, canary_every=2))
    played.rest()
    with_policy = [_under(one, POLICY.judge_policy) for one in played.log]
    objections = {one.objection for one in audit(with_policy, judged(played)).offences}
    assert objections == {"FAMILY", "PROVIDER"}
    assert audited(played).proven


def test_nobody_eligible_waits_and_names_the_policy() -> None:
    played = peopled(replace(POLICY, judge_providers=frozenset({"none"})), models=6)
    said = played.rest()
    assert isinstance(said, Wait)
    assert "no eligible judge for" in said.reason
    assert "only models of none judge, and none judges its own family" in said.reason
    assert not played.votes


def test_a_policy_that_is_met_later_goes_on_from_there() -> None:
    played = peopled(replace(POLICY, judge_providers=frozenset({"none"}), exclude_family=False), models=6)
    assert isinstance(played.rest(), Wait)
    admitted = set(played.state.admitted)
    assert len(admitted) == played.rules.seed_models
    for model in played.planted.models:
        played.change(model, provider="none")
    assert played.rest() == Wait("no newcomer")
    assert len(played.state.ranking) == 6
    # The others are admitted as what they are by then.
    changed = [one.model for one in played.of_kind(DecisionKind.PROVENANCE_CHANGED)]
    assert sorted(changed) == sorted(admitted)
    assert audited(played).proven


def test_the_log_holds_what_was_believed_when_a_round_was_opened() -> None:
    """A family that is told late forbids later votes, and makes no offence of earlier ones."""
    played = peopled(POLICY)
    played.until(lambda state: len(state.ranking) > 4 and state.last_closed_round > 1)
    earlier = next(one for one in judged(played) if one.kind == VOTE)
    relatives = {earlier.judge, earlier.model_a}
    for model in relatives:
        played.change(model, family="norse")
    before = len(judged(played))
    played.rest()
    played.refine(200)
    assert audited(played).proven
    (told, _) = (one.number for one in played.of_kind(DecisionKind.PROVENANCE_CHANGED))
    opened = {one.round: one.number for one in played.of_kind(DecisionKind.ROUND_OPENED)}
    later = [one for one in judged(played)[before:] if opened[one.round] > told]
    assert any(one.judge == earlier.judge for one in later)
    assert any(earlier.model_a in (one.model_a, one.model_b) for one in later)
    assert not any(one.judge == earlier.judge and earlier.model_a in (one.model_a, one.model_b) for one in later)
    # Had it been known from the start, what was asked before would be an offence.
    rewritten = [_admitted_as(one, relatives, "norse") for one in played.log]
    assert {one.objection for one in audit(rewritten, judged(played)).offences} == {"FAMILY"}


def test_a_restart_goes_on_by_the_same_policy_and_log() -> None:
    one = peopled(POLICY)
    one.until(lambda state: len(state.ranking) > 5)
    again = one.restarted()
    one.rest()
    again.rest()
    assert again.stored() == one.stored()
    assert {str(policy_in(log.content["policy"])) for log in again.of_kind(DecisionKind.ROUND_OPENED)} == {
        str(POLICY.judge_policy)
    }


def _planted(one: Judged, played: Played, objection: str) -> Judged | None:
    """The outcome as the log forbids it; None: there is no such judge."""
    if objection == "ITSELF":
        return one._replace(judge=one.model_a)
    if objection == "UNKNOWN":
        return one._replace(judge="stranger@1")
    contestant = played.state.admitted[one.model_a]
    abroad = objection == "PROVIDER"
    for judge in played.state.admitted.values():
        kin = judge.provider == "in-house" and judge.family == contestant.family
        fits = judge.provider == "abroad" if abroad else kin
        if fits and judge.family and judge.model not in (one.model_a, one.model_b):
            return one._replace(judge=judge.model)
    return None


@pytest.mark.parametrize("objection", ["ITSELF", "FAMILY", "PROVIDER", "UNKNOWN"])
@pytest.mark.parametrize("kind", [VOTE, CANARY])
def test_a_planted_offence_is_found(objection: str, kind: str) -> None:
    outcomes = judged(PLAYED)
    place, planted = next(
        (place, made)
        for place, one in reversed(list(enumerate(outcomes)))  # the last rounds know everybody
        if one.kind == kind and (made := _planted(one, PLAYED, objection)) is not None
    )
    found = audited(PLAYED, [*outcomes[:place], planted, *outcomes[place + 1 :]])
    assert found.finding is Finding.REFUTED
    assert [(one.judged, one.objection) for one in found.offences] == [(planted, objection)]


def test_a_round_that_was_never_opened_is_an_offence() -> None:
    outcomes = judged(PLAYED)
    planted = outcomes[0]._replace(round=999)
    assert [one.judged for one in audit(PLAYED.log, [planted, *outcomes[1:]]).offences] == [planted]


def test_a_log_with_a_gap_proves_nothing() -> None:
    played = peopled(POLICY, models=6)
    played.rest()
    with pytest.raises(GapInLog):
        audit([*played.log[:3], *played.log[4:]], judged(played))


def test_rounds_from_before_policies_were_logged_are_named() -> None:
    played = peopled(POLICY, models=6)
    played.rest()
    early = [_without_policy(one) if one.round < 3 else one for one in played.log]
    found = audited(played, log=early)
    assert (found.silent_rounds, found.hushed_rounds) == ((1, 2), ())
    assert found.policies == ((3, POLICY.judge_policy),)
    assert found.finding is Finding.IN_PART


def test_a_round_that_tells_no_policy_after_others_did_is_no_round_of_a_ranker() -> None:
    """Whoever plants a vote that is forbidden could else take the policy away that forbids it."""
    outcomes = judged(PLAYED)
    number = outcomes[-1].round
    planted = next(made for one in outcomes if one.round == number and (made := _planted(one, PLAYED, "FAMILY")))
    log = [_without_policy(one) if one.round == number else one for one in PLAYED.log]
    found = audited(PLAYED, log=log)
    assert (found.silent_rounds, found.hushed_rounds, found.offences) == ((), (number,), ())
    assert found.finding is Finding.REFUTED
    assert [one.objection for one in audited(PLAYED, [*outcomes[:-1], planted], log).offences] == ["FAMILY"]


def test_a_round_of_a_looser_policy_than_the_declared_is_found_and_its_outcomes_are_held_against_both() -> None:
    played = peopled(Rules(seed_models=4, canary_every=2))
    played.rest()
    outcomes = judged(played)
    ledger = [LedgerCalls(one.judge, of_answers=True, calls=one.judge_calls) for one in outcomes]
    assert audit(played.log, outcomes, played.rules.judge_policy, ledger).finding is Finding.PROVEN
    found = audit(played.log, outcomes, POLICY.judge_policy, ledger)
    assert found.looser_rounds == tuple(one.round for one in played.of_kind(DecisionKind.ROUND_OPENED))
    assert {one.objection for one in found.offences} == {"FAMILY", "PROVIDER"}
    assert found.finding is Finding.REFUTED
    # A stricter one breaks no promise.
    strict = audit(PLAYED.log, judged(PLAYED), JudgePolicy(), ())
    assert (strict.looser_rounds, strict.finding) == ((), Finding.PROVEN)


SETS = st.frozensets(st.sampled_from(["in-house", "abroad", "none"]), max_size=3)
POLICIES = st.builds(JudgePolicy, SETS, SETS, st.booleans())


@given(POLICIES, POLICIES)
def test_a_policy_is_looser_when_it_lets_anybody_judge_whom_the_other_keeps_from_it(
    one: JudgePolicy, other: JudgePolicy
) -> None:
    models = [
        Admitted(f"{provider}-{family}@1", provider, family, "", may_judge=True)
        for provider in ("in-house", "abroad", "none", "elsewhere")
        for family in ("greek", "latin")
    ]
    stranger = Admitted("stranger@1", "", "greek", "", may_judge=True)
    lets_in = any(one.objection(judge, [stranger]) is None for judge in models)
    more = any(
        one.objection(judge, [stranger]) is None and other.objection(judge, [stranger]) is not None for judge in models
    )
    # One that nobody can meet lets nobody in, whatever it says of families.
    assert one.is_looser_than(other) == more or not lets_in


def test_calls_that_no_outcome_tells_of_leave_it_proven_in_part() -> None:
    """One seat order was asked and the other refused, say: nobody knows whose answers were shown."""
    judge = judged(PLAYED)[0].judge
    found = audited(
        PLAYED, None, None, LedgerCalls(judge, of_answers=True, calls=2), LedgerCalls(judge, of_answers=False, calls=8)
    )
    assert found.unheard == (Unheard(judge, ("in-house",), 2, forbidden=False),)
    assert (found.trials, found.finding) == (8, Finding.IN_PART)
    # An earlier ledger did not say on whose behalf a vote was asked.
    early = [LedgerCalls(one.judge, of_answers=False, calls=one.judge_calls) for one in judged(PLAYED)]
    told = audit(PLAYED.log, judged(PLAYED), POLICY.judge_policy, early)
    assert (told.unheard, told.trials, told.finding) == ((), 0, Finding.PROVEN)


@pytest.mark.parametrize("provider", ["abroad", "in-house", ""])
def test_calls_of_a_provider_that_may_not_see_it_refute_it_though_no_outcome_tells_of_them(provider: str) -> None:
    whose = {model: one.provider for model, one in PLAYED.state.admitted.items()}
    judge = next((model for model, of in whose.items() if of == provider), "stranger@1")
    found = audited(PLAYED, None, None, LedgerCalls(judge, of_answers=True, calls=1))
    assert [(one.judge, one.forbidden) for one in found.unheard or ()] == [(judge, provider != "in-house")]
    assert found.finding is (Finding.IN_PART if provider == "in-house" else Finding.REFUTED)


def test_models_of_no_family_are_named_where_families_are_kept_apart() -> None:
    named = {model for model, one in PLAYED.state.admitted.items() if one.family}
    assert set(audited(PLAYED).of_no_family) == set(PLAYED.state.admitted) - named
    assert named
    assert len(named) < len(PLAYED.state.admitted)
    played = peopled(Rules(seed_models=4), models=5)
    played.rest()
    assert audited(played).of_no_family == ()


def test_without_the_declared_policy_or_the_ledger_it_is_not_all_proven() -> None:
    outcomes = judged(PLAYED)
    assert audit(PLAYED.log, outcomes, POLICY.judge_policy).finding is Finding.IN_PART
    assert audit(PLAYED.log, outcomes, None, ()).finding is Finding.IN_PART


@settings(max_examples=20, deadline=None)
@given(shuffled=st.randoms(use_true_random=False))
def test_an_audit_does_not_depend_on_the_order_of_outcomes(shuffled: Random) -> None:
    outcomes = judged(PLAYED)
    again = list(outcomes)
    shuffled.shuffle(again)
    assert audit(PLAYED.log, again) == audit(PLAYED.log, outcomes)


def _under(decision: Decision, policy: JudgePolicy) -> Decision:
    if decision.kind is not DecisionKind.ROUND_OPENED:
        return decision
    return replace(decision, content={**decision.content, "policy": policy.content()})


def _without_policy(decision: Decision) -> Decision:
    if decision.kind is not DecisionKind.ROUND_OPENED:
        return decision
    return replace(decision, content={key: said for key, said in decision.content.items() if key != "policy"})


def _admitted_as(decision: Decision, models: set[str], family: str) -> Decision:
    if decision.kind is not DecisionKind.ADMITTED or decision.model not in models:
        return decision
    return replace(decision, content={**decision.content, "family": family})


def _played() -> Played:
    played = peopled(POLICY)
    played.rest()
    return played


PLAYED = _played()
