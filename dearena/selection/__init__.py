"""Choosing the few telling queries of a large pool.

    from dearena.selection import PilotVotes, select

    pilot = PilotVotes.of(queries=[...], models=[...], judges=[...], query=[...], first=[...], second=[...],
                          judge=[...], outcome=[1, 0, .5, ...], categories=[...])
    chosen = select(pilot, method="telling", k=40, seed=7)

Pure: no I/O, no clock, no hidden randomness.
"""

from dearena.selection.choice import Reason, Selection, Why
from dearena.selection.methods import METHODS, select
from dearena.selection.pilot import PilotVotes, Pool
from dearena.selection.settings import TellingSettings
from dearena.selection.telling import telling

__all__ = ["METHODS", "PilotVotes", "Pool", "Reason", "Selection", "TellingSettings", "Why", "select", "telling"]
