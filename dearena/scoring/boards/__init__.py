"""Boards from the log of a dimension: the scorer makes them of what it reads, anybody of votes in memory.

    from dearena.scoring import FitSettings
    from dearena.scoring.boards import Entrant, Vote, board_of_rounds

    made = board_of_rounds([[Vote(...), ...], ...], [Entrant("alpha@1"), ...], FitSettings(weighting="reliability"))
    made.board.digest

Both ways give the same board, to the bit. Pure.
"""

from dearena.scoring.boards.board import Board, Entrant, Made, Row, StrangerVoted, make_board
from dearena.scoring.boards.round_votes import BrokenLog, RoundVotes
from dearena.scoring.boards.vote_log import Counted, VoteLog
from dearena.scoring.boards.vote_rows import Vote, board_of_rounds, columns_of, log_of

__all__ = [
    "Board",
    "BrokenLog",
    "Counted",
    "Entrant",
    "Made",
    "RoundVotes",
    "Row",
    "StrangerVoted",
    "Vote",
    "VoteLog",
    "board_of_rounds",
    "columns_of",
    "log_of",
    "make_board",
]
