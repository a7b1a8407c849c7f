"""Dates and units: what `calendar_puzzles` and `quantity_puzzles` make, by turns. Pure."""

from typing import Final

from dearena.generators import calendar_puzzles, quantity_puzzles
from dearena.generators.question import Kind

KIND: Final = Kind(
    slug="dates-and-units",
    version=1,
    families=(
        calendar_puzzles.days_between,
        quantity_puzzles.conversion,
        calendar_puzzles.weekday,
        quantity_puzzles.rate,
        calendar_puzzles.date_after,
        calendar_puzzles.month_ends,
        quantity_puzzles.ages,
        calendar_puzzles.clocks,
        calendar_puzzles.planet,
    ),
)
