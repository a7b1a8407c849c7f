"""Who settles at once may stand on either side of the others, as far as their standings do not tell them apart."""

from dearena.ranking.insertion import Settled
from dearena.ranking.mates import among_mates
from dearena.ranking.ranking import Insertion, Seeding

NANO = 1_000_000_000


def placed(model: str, strength: float, error: float, interval: tuple[int, int] | None) -> Insertion:
    return Insertion(
        model, 1, Settled(0, 0), interval=interval, strength=round(strength * NANO), error=round(error * NANO)
    )


def test_a_mate_that_is_surely_better_takes_both_ends_down_and_one_that_cannot_be_told_only_the_worst() -> None:
    own = placed("b@1", 0.0, 0.1, (3, 5))
    better, alike, worse = (
        placed("a@1", 2, 0.1, (1, 2)),
        placed("c@1", 0.1, 0.1, (3, 5)),
        placed("d@1", -2, 0.1, (7, 8)),
    )
    assert among_mates(own, [own, better], 4) == (4, 6)
    assert among_mates(own, [own, alike], 4) == (3, 6)
    assert among_mates(own, [own, worse], 4) == (3, 5)
    assert among_mates(own, [own, better, alike, worse], 4) == (4, 7)


def test_seeds_tell_nothing_and_the_rank_that_is_given_lies_within() -> None:
    own = placed("b@1", 0.0, 0.1, (3, 5))
    seed = Insertion("a@1", 1, Seeding())
    assert among_mates(own, [own, seed], 4) == (3, 5)
    assert among_mates(own, [own], 7) == (3, 7)
    assert among_mates(own, [own], 1) == (1, 5)
