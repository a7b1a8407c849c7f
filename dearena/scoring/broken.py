"""What is said of a row that cannot be counted. Pure."""

from dearena.faults import ArenaFault


class BrokenVote(ArenaFault):
    """A row that cannot be counted; the message names it."""

    reason = "BROKEN_VOTE"
    status = "INVALID_ARGUMENT"
