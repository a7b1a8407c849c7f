"""Runbooks in Grafana: each page below what its alert looks at, so that whoever is woken finds both in one place."""

import re
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard as Builder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.observability.dashboards.alerts import Alert
from deploy.observability.dashboards.arena import ALERT_NAMES
from deploy.observability.dashboards.parts import HALF, Query, lines, rows, words

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = ROOT / "docs/operations/runbooks"
_COMPARED: Final = re.compile(r"\s[<>]=?\s[\d.e]+$|\s==\s0$")


def build(alert: Alert) -> Dashboard:
    """What an alert looks at over time, where it fires, and its page."""
    page = (PAGES / alert.page).read_text()
    shown = _COMPARED.sub("", alert.expr)
    return (
        Builder(alert.name)
        .uid(f"runbook-{alert.name}")
        .description("What it means, how to look, how to mend.")
        .tags(["dearena-runbook"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .with_panel(lines("What the alert looks at", f"`{alert.expr}`", "none", Query(shown), width=HALF))
        .with_panel(
            rows(
                "Firing now",
                "Of this alert.",
                (Query(f'ALERTS{{alertname="{alert.name}", alertstate="firing"}}', "Firing"), "none"),
                names=ALERT_NAMES,
                order=-1,
            )
        )
        .with_panel(words("Runbook", _within_grafana(page)))
        .build()
    )


def _within_grafana(page: str) -> str:
    """Links to other runbooks lead to their dashboards; those to other pages become their names."""

    def led(found: re.Match[str]) -> str:
        called, target = found.groups()
        if "/" in target:
            return f"{called} (docs/operations/{Path(target).name})"
        name = "".join(part.capitalize() for part in Path(target).stem.split("-"))
        return f"[{called}](/d/runbook-{name})"

    return re.sub(r"\[([^\]]+)\]\(([^)]+\.md)\)", led, page)
