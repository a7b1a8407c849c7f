"""The ranking after a settle: the newcomer put in its place, then sorted by the board. Pure."""

from collections.abc import Sequence


def put_in(ranking: Sequence[str], model: str, place: int) -> tuple[str, ...]:
    """The ranking with a model put in at a place: before ranking[place]."""
    return (*ranking[:place], model, *ranking[place:])


def sort_by_board(ranking: Sequence[str], board: Sequence[str]) -> tuple[str, ...]:
    """The ranking in the order of the board; models that are not on the board keep their places among the others.

    Args:
        ranking: model revisions, best first.
        board: likewise; may name models that are not ranked.
    """
    ranked = set(ranking)
    ordered = [model for model in board if model in ranked]
    on_board = set(ordered)
    following = iter(ordered)
    return tuple(next(following) if model in on_board else model for model in ranking)
