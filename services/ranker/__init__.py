"""The ranker: the ordered list of a dimension, and how every newcomer finds its place in it."""
