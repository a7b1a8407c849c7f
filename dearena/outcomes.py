"""What can become of a cell. One vocabulary for who writes outcomes, who decides by them and who scores them. Pure."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one cell at one attempt; as `Outcome` in common.proto, without its prefix.

    A and B are preferences for the first and second model in slug order, never seats. All but FAILED are final.
    """

    A = "A"
    B = "B"
    TIE = "TIE"
    FLIP = "FLIP"
    INVALID = "INVALID"
    FAILED = "FAILED"
    VOID = "VOID"
    SKIPPED = "SKIPPED"
