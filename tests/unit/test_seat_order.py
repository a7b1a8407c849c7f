"""Which seat order a cell of single seats is asked in."""

from dearena.identity import text_hash
from dearena.seat_order import a_sits_first


def test_half_of_all_cells_have_a_in_the_first_seat() -> None:
    cells = [text_hash(f"cell {number}") for number in range(4_000)]
    assert 1_900 < sum(map(a_sits_first, cells)) < 2_100


def test_a_cells_order_does_not_change_between_releases() -> None:
    # Cells that were asked keep their order: it says which model a verdict was for.
    assert a_sits_first("e" * 64)
    assert not a_sits_first("f" * 64)
    assert [a_sits_first(text_hash(f"cell {number}")) for number in range(6)] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]
