"""The judge dispatcher: asks judges, reads their verdicts, keeps the append-only log of outcomes."""
