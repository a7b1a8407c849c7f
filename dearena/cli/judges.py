"""`dearena judges`: how each judge of a board votes, whom it favours, what it weighs and what it is worth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from dearena.cli import columns, judge_health, output, persuasion, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, Wait, run
from dearena.client import REPORT_SECONDS, ArenaClient
from dearena.client.persuasion import Persuaded, by_judge, with_persuasion
from dearena.faults import InvalidField, ServiceUnavailable
from dearena.plain import plain
from dearena.v1 import judge_dispatcher_pb2
from dearena.v1 import scorer_pb2 as pb

Reports = Sequence[pb.JudgeReport]
Persuasions = Mapping[str, Persuaded]
_NOBODY: Persuasions = {}


def judges(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    version: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="A board version; 0: the last settled one.")] = 0,
    worth: Annotated[
        bool, typer.Option("--worth", help="Also what the board is surer for each judge: one more fit a judge.")
    ] = False,
    health: Annotated[
        bool,
        typer.Option("--health", help="Instead: how healthy each judge is by the ranker's records, as they stand."),
    ] = False,
    wait: Wait = REPORT_SECONDS,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Report on the judges of a board.

    Weight: the mean is 1 over the judges who have voted; on the board, over all who are ranked.
    First seat: the share of its verdicts for the answer shown first, even-handed at 50 %. Agreement: how often it
    prefers the model that is the better one to the others, and beside it the share expected of a judge who decides
    with their board's chances. Own family: what it adds to answers of its family, in log-odds. Persuaded: how often
    attacks in answers won it over, and the same answers without them, where `dearena judge attack` has tried it; and
    what it was tried with, for shares that stand on other attacks or questions are no comparison.
    """

    async def body(client: ArenaClient) -> None:
        if health:
            if version or worth:
                raise InvalidField.of("--health", "is told as it stands, without --version and --worth")
            await _show_health(client, dimension, as_json=as_json)
            return
        found = await client.judge_report(dimension, version, with_worth=worth, wait_seconds=wait)
        tried = await _tried(client, dimension)
        if as_json:
            output.show_json(with_persuasion(found, tried))
        else:
            output.show(rendered(dimension, found, by_judge(tried)))

    run(body, project=project)


async def _tried(client: ArenaClient, dimension: str) -> Sequence[judge_dispatcher_pb2.Persuasion]:
    """Trials of attacks; none while the dispatcher is away, for the report is not its."""
    try:
        return await client.persuasions(dimension)
    except ServiceUnavailable:
        return ()


async def _show_health(client: ArenaClient, dimension: str, *, as_json: bool) -> None:
    found = await client.judges(dimension)
    if as_json:
        output.show_json([plain(judge) for judge in found])
    elif found:
        output.show(judge_health.table(found))
    else:
        output.show("no judge has been admitted yet")


def rendered(dimension: str, found: pb.GetJudgeReportResponse, tried: Persuasions = _NOBODY) -> Group:
    """The report for people: the heaviest judges first."""
    reports = sorted(found.judges, key=lambda report: -report.weight)
    parts: list[RenderableType] = [words.joined([dimension, f"board {found.board_version}", f"{len(reports)} judges"])]
    if reports:
        parts.append(_habits(reports, tried))
    if any(report.HasField("worth") for report in reports):
        parts += ["", _worth(reports)]
    parts += [f"note: {report.judge} {', '.join(report.notes)}" for report in reports if report.notes]
    return Group(*parts)


def _habits(reports: Reports, tried: Persuasions) -> Table:
    shown = {
        "judge": [report.judge for report in reports],
        "weight": [f"{report.weight:.2f}" for report in reports],
        "reliability": [f"{report.reliability:.2f}" if report.HasField("reliability") else "" for report in reports],
        "votes": [f"{report.outcomes.a + report.outcomes.b + report.outcomes.tie:,}" for report in reports],
    }
    # Which of two models is named first says nothing of a judge.
    for field in pb.OutcomeCounts.DESCRIPTOR.fields[2:]:
        shown[field.name.upper()] = _rates(reports, field.name)
    shown |= {
        "first seat": _told(reports, "first_seat", lambda report: _share(report.first_seat)),
        "agreement": _told(reports, "agreement", lambda report: _share(report.agreement.share)),
        "expected": _told(reports, "agreement", lambda report: words.percent(report.agreement.expected)),
        "own family": _told(reports, "family", lambda report: _favour(report.family)),
        "own revisions": _told(reports, "own_revisions", lambda report: _favour(report.own_revisions)),
        "persuaded": [persuasion.told(tried.get(report.judge)) for report in reports],
        "tried with": [tried[report.judge].stands_on if report.judge in tried else "" for report in reports],
    }
    return columns.table(shown, left=("judge",))


def _worth(reports: Reports) -> Table:
    def of_variance(report: pb.JudgeReport) -> str:
        if not report.worth.HasField("nano_units_per_variance"):
            return "removes none"
        return f"{report.cost.currency} {report.worth.nano_units_per_variance / words.NANO:,.4g}".lstrip()

    shown = {
        "judge": [report.judge for report in reports],
        "cost": [words.money(report.cost) if report.HasField("cost") else "free" for report in reports],
        "variance removed": _told(reports, "worth", lambda report: f"{report.worth.variance_removed:.3g}"),
        "cost of a unit of variance": _told(reports, "worth", of_variance),
    }
    return columns.table(shown, left=("judge",))


def _rates(reports: Reports, outcome: str) -> list[str]:
    """Share of an outcome among all of a judge's; nothing where it never occurred to anybody."""
    fields = [field.name for field in pb.OutcomeCounts.DESCRIPTOR.fields]
    counts = [getattr(report.outcomes, outcome) for report in reports]
    if not any(counts):
        return [""] * len(reports)
    totals = [sum(getattr(report.outcomes, name) for name in fields) for report in reports]
    return [words.percent(count / max(total, 1), 1) for count, total in zip(counts, totals, strict=True)]


def _told(reports: Reports, field: str, shown: Callable[[pb.JudgeReport], str]) -> list[str]:
    """Of each judge, where the votes tell it."""
    return [shown(report) if report.HasField(field) else "" for report in reports]  # type: ignore[arg-type]


def _share(share: pb.Share) -> str:
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _favour(favour: pb.JudgeFavour) -> str:
    return f"{favour.premium:+.2f} ({favour.low:+.2f} to {favour.high:+.2f})"
