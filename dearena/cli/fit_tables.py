"""The report of a fit as people read it: the board, the judges, and what must be known of both."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table

from dearena.cli import words


def rendered(report: Mapping[str, Any]) -> Group:
    """A board for people."""
    heading = words.joined(
        [
            report["dimension"] or "",
            f"{len(report['models'])} models",
            f"{report['votes']:,} votes",
            f"worth {report['effective_votes']:,.0f} independent ones",
            f"{report['clusters']['questions']:,} questions",
            f"{report['clusters']['judges']:,} judges",
            f"{report['pairs_told_apart']:,} of {report['pairs']:,} pairs told apart",
        ]
    )
    parts: list[RenderableType] = [heading, board(report), "", judges(report)]
    parts += [part for part in (style(report), other_boards(report)) if part is not None]
    parts += [f"note: {note}" for note in report["notes"]]
    return Group(*parts)


def board(report: Mapping[str, Any]) -> Table:
    """Who stands where, and how sure that is."""
    confidence = f"{100 * report['settings']['confidence']:g} %"
    drawn, others = bool(report.get("bootstrap")), "counterfactuals" in report
    headings = ["rank", f"{confidence} ranks", "group", "model", "rating", f"{confidence} interval"]
    headings += ["by questions drawn"] * drawn + ["score", "votes", "wins"] + ["other boards"] * others
    if undecided := any(row["undecided"] for row in report["models"]):
        headings += ["undecided", "ranks if lost or won"]
    table = _table(headings, left=("model",))
    for row in report["models"]:
        cells = [
            str(row["rank"]),
            _from_to(row["rank_low"], row["rank_high"]),
            str(row["group"]),
            row["model"],
            f"{row['rating']:.0f}",
            f"{row['rating_low']:.0f} to {row['rating_high']:.0f}",
        ]
        if drawn:
            cells.append(f"{row['bootstrap_rating_low']:.0f} to {row['bootstrap_rating_high']:.0f}")
        cells += [f"{row['score']:.1f}", f"{row['votes']:,}", f"{row['wins']:,.1f}"]
        if others:
            cells.append(_from_to(row["counterfactual_rank_low"], row["counterfactual_rank_high"]))
        if undecided:
            cells += [
                f"{row['undecided']:,}",
                _from_to(row["rank_if_undecided_won"], row["rank_if_undecided_lost"]),
            ]
        table.add_row(*cells)
    return table


def judges(report: Mapping[str, Any]) -> Table:
    """How each judge weighs, and what became of what it was asked; the heaviest first."""
    rows = sorted(report["judges"], key=lambda row: -row["weight"])
    columns = {
        "judge": [row["judge"] for row in rows],
        "weight": [f"{row['weight']:.2f}" for row in rows],
        "votes": [f"{row['votes']:,}" for row in rows],
    }
    # Which of two models is named first says nothing of a judge.
    told = [name for name, count in report["outcomes"].items() if count and name not in {"A", "B"}]
    columns |= {name: [f"{100 * row['rates'][name]:.1f} %" for row in rows] for name in told}
    if "judge_report" in report:
        columns |= {
            "first seat": [_share(row["first_seat"]) for row in rows],
            "agreement": [_share((row["agreement"] or {}).get("share")) for row in rows],
            "expected": [_percent((row["agreement"] or {}).get("expected")) for row in rows],
            "own family": [_premium(row["own_family"]) for row in rows],
            "own revisions": [_premium(row["own_revisions"]) for row in rows],
            "cost of variance": [_cost(row["worth"]) for row in rows],
            "notes": [", ".join(row["notes"]) for row in rows],
        }
    columns = {heading: cells for heading, cells in columns.items() if any(cells)}
    table = _table(list(columns), left=("judge", "notes"))
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _share(share: Mapping[str, float] | None) -> str:
    if share is None:
        return ""
    return f"{100 * share['value']:.0f} % ({100 * share['low']:.0f} to {100 * share['high']:.0f})"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _cost(worth: Mapping[str, Any] | None) -> str:
    """Of a unit of variance that the judge removes."""
    if worth is None:
        return ""
    return "removes none" if worth["per_variance"] is None else f"{worth['per_variance']:,.4g}"


def _premium(favour: Mapping[str, float] | None) -> str:
    return "" if favour is None else f"{favour['premium']:+.2f} ({favour['low']:+.2f} to {favour['high']:+.2f})"


def style(report: Mapping[str, Any]) -> Table | None:
    """What style sways; None: it was not controlled for."""
    if not report["style"]:
        return None
    table = _table(["style", "log-odds a deviation", "error"], left=("style",))
    for row in report["style"]:
        table.add_row(row["feature"], f"{row['coefficient']:+.3f}", f"{row['error']:.3f}")
    return table


def other_boards(report: Mapping[str, Any]) -> Table | None:
    """Boards that might have been; None: they were not asked for."""
    boards: Sequence[Mapping[str, Any]] = report.get("counterfactuals", ())
    if not boards:
        return None
    table = _table(["other board", "", "votes", "agreement", "first"], left=("other board", "", "first"))
    for one in boards:
        agreement = one["fault"] or ("" if one["agreement"] is None else f"{one['agreement']:.3f}")
        first = one["models"][0]["model"] if one["models"] else ""
        table.add_row(KINDS.get(one["kind"], one["kind"]), one["what"], f"{one['votes']:,}", agreement, first)
    return table


KINDS: Final = {
    "judge": "without the judge",
    "family_judges": "without the judges of",
    "family": "without the family",
    "weighting": "weights",
    "ties": "ties",
    "flips": "flips",
    "style": "style controlled:",
}
"""In what a board that might have been differs from the one there is."""


def _table(headings: Sequence[str], left: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True, justify="left" if heading in left else "right")
    return table


def _from_to(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
