"""Correlation and spread against the number of queries, drawn as the makers draw it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.query_selection_planted import Spread


def draw(file: Path, found: Mapping[tuple[int, str], Spread], sizes: Sequence[int], methods: Sequence[str]) -> None:
    """Two panels, SVG or PNG by the file's name; says so where matplotlib, of the extra `benchmark`, is not at hand."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - of an extra that need not be there
    except ModuleNotFoundError:
        print(f"{file} is not drawn: matplotlib is not installed")
        return
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    mean, spread = figure.subplots(1, 2)
    for method in methods:
        of_sizes = [found[size, method] for size in sizes]
        values = [float(np.mean(one.spearman)) for one in of_sizes]
        errors = [float(np.std(one.spearman, ddof=1) / np.sqrt(len(one.spearman))) for one in of_sizes]
        dashes = "--" if method not in ("random", "consistent", "telling") else "-"
        mean.errorbar(sizes, values, yerr=errors, label=method, linestyle=dashes, marker="o", capsize=3)
        spread.plot(sizes, [one.variance**0.5 for one in of_sizes], label=method, linestyle=dashes, marker="o")
    for panel, words in ((mean, "Spearman with the truth"), (spread, "standard deviation across worlds")):
        panel.set_xlabel("queries")
        panel.set_ylabel(words)
        panel.set_xticks(list(sizes))
    mean.legend(frameon=False)
    figure.savefig(file)
    print(f"drawn: {file}")
