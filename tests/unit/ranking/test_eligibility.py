"""Who may judge whom."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking.eligibility import eligible, judges_of_insertion
from dearena.ranking.entrants import Admitted
from dearena.ranking.insertion import Coarse, Fine
from dearena.ranking.judge_policy import JudgePolicy
from dearena.ranking.pairs import Pair

RANKING = ("delta@1", "alpha@1", "zeta@1", "beta@1", "gamma@1", "eta@1")
NEWCOMER = "newcomer@1"


def admitted(**changes: dict[str, object]) -> dict[str, Admitted]:
    """Everybody, with changes by slug."""
    plain = {"provider": "in-house", "family": "", "judge_parameters_hash": "", "may_judge": True}
    return {
        model: Admitted(model, **{**plain, **changes.get(model.partition("@")[0], {})})  # type: ignore[arg-type]
        for model in (*RANKING, NEWCOMER)
    }


def test_contestants_never_judge_themselves_and_judges_come_in_canonical_order() -> None:
    pair = Pair.of("beta@1", NEWCOMER)
    assert eligible((*RANKING, NEWCOMER), pair, admitted()) == ("alpha@1", "delta@1", "eta@1", "gamma@1", "zeta@1")


def test_retired_suspended_and_foreign_models_do_not_judge() -> None:
    known = admitted(alpha={"retired": True}, delta={"may_judge": False}, gamma={"provider": "elsewhere"})
    pair = Pair.of("beta@1", NEWCOMER)
    policy = JudgePolicy(allowed_providers=frozenset({"in-house"}))
    assert eligible(RANKING, pair, known, policy) == ("eta@1", "zeta@1")
    assert eligible(RANKING, pair, known) == ("eta@1", "gamma@1", "zeta@1")


def test_a_policy_may_keep_a_judge_from_its_own_family_and_no_family_is_none() -> None:
    known = admitted(alpha={"family": "greek"}, beta={"family": "greek"}, zeta={"family": "latin"})
    pair = Pair.of("beta@1", NEWCOMER)
    found = eligible(RANKING, pair, known, JudgePolicy(exclude_family=True))
    assert found == ("delta@1", "eta@1", "gamma@1", "zeta@1")
    # The contestants gamma and the newcomer have no family, as most judges.
    of_nobody = eligible(RANKING, Pair.of("gamma@1", NEWCOMER), known, JudgePolicy(exclude_family=True))
    assert of_nobody == ("alpha@1", "beta@1", "delta@1", "eta@1", "zeta@1")


def test_judges_are_of_the_providers_that_may_judge_and_of_those_that_may_enter() -> None:
    known = admitted(alpha={"provider": "abroad"}, delta={"provider": ""})
    policy = JudgePolicy(frozenset({"in-house", "abroad"}), frozenset({"abroad", ""}))
    assert eligible(RANKING, Pair.of("beta@1", NEWCOMER), known, policy) == ("alpha@1",)


def test_no_model_judges_another_revision_of_itself() -> None:
    known = admitted()
    known["newcomer@2"] = replace(known[NEWCOMER], model="newcomer@2")
    assert eligible(("newcomer@2", "eta@1"), Pair.of("beta@1", NEWCOMER), known) == ("eta@1",)


NAMES = st.sampled_from(["", "one", "two", "three"])
PROVIDERS = st.frozensets(NAMES, max_size=3)
JUDGES = st.builds(
    Admitted,
    model=st.builds("{}@{}".format, st.sampled_from("abcdefgh"), st.integers(1, 3)),
    provider=NAMES,
    family=NAMES,
    judge_parameters_hash=st.just(""),
    may_judge=st.booleans(),
    retired=st.booleans(),
    suspended=st.booleans(),
)


@given(
    judges=st.lists(JUDGES, min_size=2, max_size=12, unique_by=lambda one: one.model),
    policy=st.builds(JudgePolicy, PROVIDERS, PROVIDERS, st.booleans()),
    shuffled=st.randoms(use_true_random=False),
)
def test_no_policy_lets_a_forbidden_judge_judge_nor_keeps_another_from_it(
    judges: list[Admitted], policy: JudgePolicy, shuffled: Random
) -> None:
    known = {one.model: one for one in judges}
    pair = Pair.of(*list(known)[:2])
    found = eligible(known, pair, known, policy)
    for one in judges:
        own = {model.split("@")[0] for model in pair}
        families = {known[model].family for model in pair} - {""}
        forbidden = (
            one.retired
            or one.suspended
            or not one.may_judge
            or one.model.split("@")[0] in own
            or (bool(policy.allowed_providers) and one.provider not in policy.allowed_providers)
            or (bool(policy.judge_providers) and one.provider not in policy.judge_providers)
            or (policy.exclude_family and one.family in families)
        )
        assert (one.model in found) != forbidden
    again = list(known)
    shuffled.shuffle(again)
    assert eligible(again, pair, known, policy) == found
    assert eligible(again, (pair.model_b, pair.model_a), known, policy) == found


def test_in_the_binary_search_all_ranked_models_judge_but_the_pair() -> None:
    found = judges_of_insertion(Coarse(0, 6), RANKING, Pair.of("beta@1", NEWCOMER), admitted())
    assert found == ("alpha@1", "delta@1", "eta@1", "gamma@1", "zeta@1")


def test_neighbours_are_judged_from_outside_the_window() -> None:
    found = judges_of_insertion(Fine(3, 1, 0), RANKING, Pair.of("beta@1", NEWCOMER), admitted())
    assert found == ("alpha@1", "delta@1", "eta@1", "gamma@1")


def test_with_fewer_than_three_judges_outside_all_but_the_pair_judge() -> None:
    pair = Pair.of("beta@1", NEWCOMER)
    wide = Fine(3, 2, 0)
    assert judges_of_insertion(wide, RANKING, pair, admitted()) == ("alpha@1", "delta@1", "eta@1", "gamma@1", "zeta@1")
    # Three are enough, and it is judges that are counted, not models.
    one_less = admitted(delta={"may_judge": False})
    assert judges_of_insertion(Fine(3, 1, 0), RANKING, pair, one_less) == ("alpha@1", "eta@1", "gamma@1")
    known = admitted(delta={"may_judge": False}, eta={"retired": True})
    narrow = Fine(3, 1, 0)
    assert judges_of_insertion(narrow, RANKING, pair, known) == ("alpha@1", "gamma@1", "zeta@1")
