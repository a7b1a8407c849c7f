"""The unit of what is kept as whole numbers so that its sums do not depend on their order. Pure."""

from typing import Final

ONE: Final = 65_536
"""Parts of the weight 1 of a judge, and of the chance of an even draw."""
