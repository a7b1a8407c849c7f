"""Numbers that the page on scaling tells are those of the files that scale."""

import re
from typing import Any, Final

import yaml

from tests.fixtures import cluster

PAGE: Final = (cluster.ROOT / "docs" / "operations" / "scale.md").read_text("utf-8")
ROWS: Final = {row.split("|")[1].strip(): row for row in PAGE.splitlines() if row.startswith("| ")}


def scaler(kind: str) -> dict[str, Any]:
    (found,) = cluster.overlay("production").of(kind)
    return dict(found["spec"])


def test_gateways_are_as_many_as_their_autoscaler_makes() -> None:
    spec = scaler("HorizontalPodAutoscaler")
    (metric,) = spec["metrics"]
    row = ROWS["gateway"]
    assert f"| {spec['minReplicas']} to {spec['maxReplicas']} |" in row
    assert f"{metric['resource']['target']['averageUtilization']} % of what it asked for" in row


def test_dispatchers_are_as_many_as_their_scaler_makes() -> None:
    spec = scaler("ScaledObject")
    (trigger,) = spec["triggers"]
    row = ROWS["judge dispatcher"]
    assert f"| {spec['minReplicaCount']} to {spec['maxReplicaCount']} |" in row
    said = f"{trigger['metadata']['lagThreshold']} messages of consumer `{trigger['metadata']['consumer']}` each"
    assert said in row


def test_others_are_as_many_as_the_overlay_says() -> None:
    production = cluster.overlay("production")
    for name in ("scorer", "query selector"):
        replicas = production.one("Deployment", name.replace(" ", "-"))["spec"]["replicas"]
        assert f"| {replicas} |" in ROWS[name]


def test_queues_hold_what_the_topology_says() -> None:
    topology = yaml.safe_load((cluster.ROOT / "deploy" / "nats" / "topology.yaml").read_text("utf-8"))
    streams = {stream["name"]: stream for stream in topology["streams"]}
    (held,) = [one["max_ack_pending"] for one in topology["consumers"] if one["durable"] == "dispatcher-judging"]
    assert re.search(rf"gives out {held:,} messages at once", " ".join(PAGE.split()))
    assert f"{streams['EVENTS']['max_bytes'] // 2**30} GiB of events" in PAGE
    assert f"{streams['JUDGING']['max_msgs']:,} messages of cells" in PAGE
