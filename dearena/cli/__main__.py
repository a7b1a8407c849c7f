"""`python -m dearena.cli`, where the console script is not installed."""

from dearena.cli import main

main()
