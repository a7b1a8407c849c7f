"""Tables of columns, without those that have nothing to say."""

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
