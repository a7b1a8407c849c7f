"""How far the boards are behind the rounds."""

import asyncio

from dearena.names import DimensionName
from services.runtime import instruments
from services.scorer.gauges import Standings

ALGEBRA = DimensionName("default", "algebra")


def lag_and_version(standings: Standings) -> tuple[float, float]:
    values = {one: value for one, value, _ in asyncio.run(standings.boards())}
    return values[instruments.BOARD_LAG], values[instruments.BOARD_VERSION]


def test_a_round_that_is_closed_and_not_on_the_board_is_a_lag() -> None:
    standings = Standings()
    standings.saw_board(ALGEBRA, 3)
    assert lag_and_version(standings) == (0, 3)
    standings.saw_round(ALGEBRA, 5)
    assert lag_and_version(standings) == (2, 3)
    standings.saw_board(ALGEBRA, 5)
    assert lag_and_version(standings) == (0, 5)


def test_what_is_heard_late_takes_nothing_back() -> None:
    standings = Standings()
    standings.saw_board(ALGEBRA, 5)
    standings.saw_round(ALGEBRA, 4)
    standings.saw_board(ALGEBRA, 2)

    assert lag_and_version(standings) == (0, 5)
