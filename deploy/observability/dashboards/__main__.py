"""Write all dashboards: `make dashboards`, or `python -m deploy.observability.dashboards [folder]`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.observability.dashboards import alerts, arena, cluster, judges, money, parts, runbooks, services

FOLDER: Final = Path(__file__).parents[1] / "grafana"
RULES: Final = "../../kubernetes/watching/rules.yaml"
"""From that folder."""


def files() -> Mapping[str, str]:
    """What is written where, by path below the folder."""
    boards = {"arena": arena.build(), "judges": judges.build(), "money": money.build(), "services": services.build()}
    pages = {Path(alert.page).stem: runbooks.build(alert) for alert in alerts.alerts()}
    made = {
        **{f"dashboards/{name}.json": parts.written(one) for name, one in boards.items()},
        **{f"runbooks/{name}.json": parts.written(one) for name, one in pages.items()},
    }
    return {**made, "kustomization.yaml": cluster.kustomization(made), RULES: cluster.rules()}


def main(folder: Path = FOLDER) -> None:
    """Write what there is to be, and remove what is no longer."""
    made = files()
    for kind in ("dashboards", "runbooks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for old in (folder / kind).glob("*.json"):
            if f"{kind}/{old.name}" not in made:
                old.unlink()
    for path, content in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
