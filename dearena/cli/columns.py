"""Tables of columns and of lines, without those that have nothing to say."""

from collections.abc import Collection, Mapping, Sequence

from rich.table import Table


def table(columns: Mapping[str, Sequence[str]], *, left: Collection[str]) -> Table:
    """A table.

    Args:
        columns: cells by heading, all of one length; a column of empty cells is left out.
        left: headings of columns of words; numbers stand at the right.
    """
    told = {heading: cells for heading, cells in columns.items() if any(cells)}
    shown = Table(box=None, pad_edge=False)
    for heading in told:
        shown.add_column(heading, no_wrap=True, justify="left" if heading in left else "right")
    for cells in zip(*told.values(), strict=True):
        shown.add_row(*cells)
    return shown


def lines(said: Mapping[str, str]) -> Table:
    """A table of one thing, a line a heading; those with nothing to say are left out."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    for heading, cell in said.items():
        if cell:
            shown.add_row(heading, cell)
    return shown
