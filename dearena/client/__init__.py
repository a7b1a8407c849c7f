"""An async client of the arena.

    async with ArenaClient() as arena:
        async for vote in arena.votes("algebra"):
            ...

Answers are the contract's own messages (`dearena.v1`); what goes wrong is a fault of `dearena.faults`.
"""

from dearena.client.addresses import Addresses
from dearena.client.apply import Action, Change, apply
from dearena.client.arena_file import ArenaFile, read_arena_file
from dearena.client.attacks import TRIAL_SECONDS
from dearena.client.boards import REPORT_SECONDS
from dearena.client.budgets import LEDGER_SECONDS
from dearena.client.client import ArenaClient
from dearena.client.votes import Vote
from dearena.transport import Tls

__all__ = [
    "LEDGER_SECONDS",
    "REPORT_SECONDS",
    "TRIAL_SECONDS",
    "Action",
    "Addresses",
    "ArenaClient",
    "ArenaFile",
    "Change",
    "Tls",
    "Vote",
    "apply",
    "read_arena_file",
]
