"""What else the votes of a board tell: of its judges, of what could change, of what has changed, and of other boards.

Each report starts from votes and a fit, and makes no new call. Pure.
"""
