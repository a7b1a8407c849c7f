"""A cluster is watched as compose is: the same metrics, alerts, dashboards and sources."""

import json
from typing import Any, Final

import yaml

from dearena import yaml_places
from tests.deploy.test_kubernetes_builds import validator_of
from tests.fixtures import cluster
from tests.fixtures.cluster import Build

WATCHING: Final = cluster.ROOT / "deploy" / "observability"
CHARTS: Final = cluster.KUBERNETES / "charts"
BUILD: Final = Build("watching", cluster.kustomized(cluster.KUBERNETES / "watching"))


def values(chart: str) -> dict[str, Any]:
    return dict(yaml_places.read(CHARTS / f"{chart}.yaml").data)


def test_what_is_built_is_as_the_schemas_say_and_lives_with_the_arena() -> None:
    assert {one["kind"] for one in BUILD.resources} == {"ServiceMonitor", "PrometheusRule", "ConfigMap"}
    for one in BUILD.resources:
        errors = validator_of(one["apiVersion"], one["kind"]).iter_errors(one)
        assert [error.message for error in errors] == [], cluster.name_of(one)
        assert one["metadata"]["namespace"] == "dearena"


def test_metrics_are_read_where_the_collector_tells_them_and_as_compose_reads_them() -> None:
    collector = values("collector")
    spec = BUILD.one("ServiceMonitor", "collector")["spec"]
    assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/name": collector["nameOverride"]}
    (endpoint,) = spec["endpoints"]
    port = collector["ports"][endpoint["port"]]
    config = yaml.safe_load((WATCHING / "collector.yaml").read_text("utf-8"))
    assert port["enabled"]
    assert config["exporters"]["prometheus"]["endpoint"] == f"0.0.0.0:{port['containerPort']}"
    prometheus = yaml.safe_load((WATCHING / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (job,) = prometheus["scrape_configs"]
    # The operator calls a target by the name of its Service; an alert asks for it by that.
    assert job["job_name"] == collector["fullnameOverride"]
    assert endpoint["honorLabels"] is job["honor_labels"] is True
    assert endpoint["interval"] == prometheus["global"]["scrape_interval"]
    assert endpoint["scrapeTimeout"] == prometheus["global"]["scrape_timeout"]


def test_alerts_are_those_of_compose() -> None:
    written = [
        group
        for file in sorted((WATCHING / "alerts").glob("*.yaml"))
        for group in yaml.safe_load(file.read_text("utf-8"))["groups"]
    ]
    assert written
    assert BUILD.one("PrometheusRule", "arena")["spec"]["groups"] == written


def test_dashboards_are_those_of_compose_in_the_same_folders() -> None:
    sidecar = values("monitoring")["grafana"]["sidecar"]["dashboards"]
    providers = yaml.safe_load((WATCHING / "grafana/provisioning/dashboards/arena.yaml").read_text("utf-8"))[
        "providers"
    ]
    folders = {one["options"]["path"].rpartition("/")[2]: one["folder"] for one in providers}
    shown: dict[str, dict[str, Any]] = {}
    for config in BUILD.of("ConfigMap"):
        assert config["metadata"]["labels"]["grafana_dashboard"] == "1"  # as the chart's sidecar looks for it
        shown[config["metadata"]["annotations"][sidecar["folderAnnotation"]]] = config["data"]
        # kubectl keeps a copy beside it, in which there is room for 256 KiB.
        assert len(json.dumps(config)) < 200_000
    assert sidecar["provider"]["foldersFromFilesStructure"] is True
    here = {"Arena": WATCHING / "grafana" / "dashboards", "Runbooks": WATCHING / "grafana" / "runbooks"}
    assert set(folders.values()) == here.keys()
    assert shown == {
        title: {file.name: file.read_text("utf-8") for file in folder.glob("*.json")} for title, folder in here.items()
    }


def test_grafana_has_the_sources_that_dashboards_name() -> None:
    chart = values("monitoring")["grafana"]
    compose = yaml.safe_load((WATCHING / "grafana/provisioning/datasources/arena.yaml").read_text("utf-8"))[
        "datasources"
    ]
    told = {(one["uid"], one["type"]) for one in chart["additionalDataSources"]} | {("prometheus", "prometheus")}
    assert told == {(one["uid"], one["type"]) for one in compose}
    led = chart["sidecar"]["datasources"]["exemplarTraceIdDestinations"]
    (metrics,) = [one for one in compose if one["uid"] == "prometheus"]
    assert (led["traceIdLabelName"], led["datasourceUid"]) in {
        (one["name"], one.get("datasourceUid")) for one in metrics["jsonData"]["exemplarTraceIdDestinations"]
    }


def test_prometheus_looks_at_all_that_and_keeps_exemplars() -> None:
    spec = values("monitoring")["prometheus"]["prometheusSpec"]
    assert spec["serviceMonitorSelectorNilUsesHelmValues"] is spec["ruleSelectorNilUsesHelmValues"] is False
    assert "exemplar-storage" in spec["enableFeatures"]
    compose = yaml.safe_load((WATCHING / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert spec["exemplars"]["maxSize"] == compose["storage"]["exemplars"]["max_exemplars"]
    assert spec["externalLabels"].keys() == compose["global"]["external_labels"].keys()
