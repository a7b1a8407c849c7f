"""The scorer and its peers, each alone in a process of its own: see `benchmarks/scoring_speed.py`."""
