"""What a simulation found, drawn beside the truth: an SVG that needs no library. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dearena.trials.simulation import Simulated

_SIDE: Final = 320
"""Of a square panel, in pixels."""
_MARGIN: Final = 56
_WIDTH: Final = 2 * (_SIDE + _MARGIN) + _MARGIN
_HEIGHT: Final = _SIDE + 2 * _MARGIN

_OPENING: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">'
)

Points = Sequence[tuple[float, float]]


def drawn(found: "Simulated") -> str:
    """Rank on the last board by true rank, and the judge calls of each insertion in the order of settle."""
    true_rank = {model: rank for rank, model in enumerate(found.true_order, start=1)}
    ranks = [(float(true_rank[model]), float(rank)) for rank, model in enumerate(found.order, start=1)]
    calls = [(float(number), float(one.judge_calls)) for number, one in enumerate(found.insertions, start=1)]
    settings = found.settings
    title = (
        f"{settings['jury']}, {settings['models']} models, {settings['queries']} queries, seed {settings['seed']}: "
        f"{found.judge_calls:,} judge calls, Spearman {found.spearman:.3f}"
    )
    return "\n".join(
        [
            _OPENING,
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_MARGIN}" y="24">{title}</text>',
            *_panel(_MARGIN, ranks, "true rank", "rank on the last board", float(len(ranks)), diagonal=True),
            *_panel(2 * _MARGIN + _SIDE, calls, "insertion", "judge calls of an insertion", _top(calls)),
            "</svg>",
            "",
        ]
    )


def _top(points: Points) -> float:
    return max((y for _, y in points), default=1.0)


def _panel(left: int, points: Points, across: str, up: str, top: float, *, diagonal: bool = False) -> list[str]:
    """Dots in a square, with the largest value at either axis."""
    widest = max((x for x, _ in points), default=1.0)
    bottom = _MARGIN + _SIDE
    parts = [
        f'<rect x="{left}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>',
        f'<text x="{left}" y="{_MARGIN - 8}">{up}, to {top:,.0f}</text>',
        f'<text x="{left + _SIDE}" y="{bottom + 18}" text-anchor="end">{across}, to {widest:,.0f}</text>',
    ]
    if diagonal:
        parts.append(f'<line x1="{left}" y1="{bottom}" x2="{left + _SIDE}" y2="{_MARGIN}" stroke="#ccc"/>')
    parts += [
        f'<circle cx="{left + _SIDE * x / widest:.1f}" cy="{bottom - _SIDE * y / top:.1f}" r="3" fill="#1f77b4"/>'
        for x, y in points
    ]
    return parts
