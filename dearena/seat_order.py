"""In which seat order a cell of single seats is asked. Pure.

The lot is the cell's id, which is a hash: half of all cells of any pair and any judge have model A in the
first seat, nobody chooses, and whoever names the cell alike draws alike, be it a dispatcher or a trial on paper.
"""

from dearena.identity import Digest


def a_sits_first(cell_id: Digest) -> bool:
    """Whether model A takes the first seat: when the id's last hexadecimal digit is even."""
    return int(cell_id[-1], 16) % 2 == 0
