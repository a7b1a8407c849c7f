"""The alerts that there are, by the rules that Prometheus reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ALERTS: Final = Path(__file__).parents[1] / "alerts"


class Alert(NamedTuple):
    """What stands in a file of rules."""

    name: str
    expr: str
    page: str


def alerts() -> Iterator[Alert]:
    """All alerts, in the order of their names."""
    rules: list[dict[str, Any]] = [
        rule
        for file in ALERTS.glob("*.yaml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]
    for rule in sorted(rules, key=lambda one: str(one["alert"])):
        page = Path(rule["annotations"]["runbook_url"]).name
        yield Alert(rule["alert"], rule["expr"].strip(), page)


def firing() -> str:
    """A query for all of them that fire, and for nobody else's: a cluster's Prometheus has many."""
    names = "|".join(alert.name for alert in alerts())
    return f'ALERTS{{alertname=~"{names}", alertstate="firing"}}'
