"""Alerts and dashboards as a cluster takes them: rules of the Prometheus operator, ConfigMaps for Grafana."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from deploy.observability.dashboards.alerts import ALERTS

WRITTEN: Final = "# Written by `make dashboards` from ../../observability/alerts.\n"
FOLDERS: Final = {"dashboards": "Arena", "runbooks": "Runbooks"}
"""Where Grafana shows them, as compose does."""


class _Plain(yaml.SafeDumper):
    """Long texts in blocks, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never."""
        del data
        return True


def rules() -> str:
    """All alerts as one PrometheusRule."""
    groups = [group for file in sorted(ALERTS.glob("*.yaml")) for group in yaml.safe_load(file.read_text())["groups"]]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "arena"},
        "spec": {"groups": groups},
    }
    return WRITTEN + yaml.dump(rule, Dumper=_Plain, sort_keys=False, width=120)


def kustomization(files: Iterable[str]) -> str:
    """A ConfigMap for each folder of files, with the label by which Grafana's sidecar finds it.

    Args:
        files: paths below the folder that the kustomization stands in.
    """
    paths = [PurePosixPath(file) for file in sorted(files)]
    made = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "generatorOptions": {"disableNameSuffixHash": True, "labels": {"grafana_dashboard": "1"}},
        "configMapGenerator": [
            {
                "name": f"grafana-{folder}",
                "files": [str(path) for path in paths if path.parent.name == folder],
                "options": {"annotations": {"grafana_folder": title}},
            }
            for folder, title in FOLDERS.items()
        ],
    }
    return "# Written by `make dashboards`. For a cluster: see ../../kubernetes/watching.\n" + yaml.dump(
        made, Dumper=_Plain, sort_keys=False, width=120
    )
