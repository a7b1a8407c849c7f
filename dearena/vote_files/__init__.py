"""Files of votes, read into columns and checked row by row: lines of JSON, CSV, Arrow and Parquet.

    from dearena.vote_files import read

    votes = read("votes.jsonl.gz").votes()

What a row holds is told in `columns`; what is wrong with one names the file and the line.
"""

from dearena.vote_files.columns import VoteColumns
from dearena.vote_files.faults import BrokenVoteFile
from dearena.vote_files.reading import read

__all__ = ["BrokenVoteFile", "VoteColumns", "read"]
