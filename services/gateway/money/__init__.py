"""Money: what a call may cost at most, budgets that it counts in, and what it did cost."""
