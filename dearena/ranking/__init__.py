"""How a dimension is ranked: the rules that a round, a decision and a place follow from. Pure: no I/O, no clock."""
