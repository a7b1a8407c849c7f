"""Who may judge whom."""

from dearena.ranking.eligibility import eligible, judges_of_insertion
from dearena.ranking.entrants import Admitted
from dearena.ranking.insertion import Coarse, Fine
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
    assert eligible(RANKING, pair, known, frozenset({"in-house"})) == ("eta@1", "zeta@1")
    assert eligible(RANKING, pair, known) == ("eta@1", "gamma@1", "zeta@1")


def test_a_family_policy_may_keep_a_judge_from_its_own() -> None:
    known = admitted(alpha={"family": "greek"}, beta={"family": "greek"})
    found = eligible(
        RANKING,
        Pair.of("beta@1", NEWCOMER),
        known,
        family_policy=lambda judge, contestants: judge.family not in {c.family for c in contestants if c.family},
    )
    assert "alpha@1" not in found
    assert "delta@1" in found


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
