"""The network policies let through every edge that traces show, those of the ground, and no other."""

import random
from ipaddress import ip_address
from typing import Any

import pytest

from dearena import yaml_places
from services.gateway.reach import Reach, RefusedByPolicy
from tests.fixtures import cluster
from tests.fixtures.cluster import Build
from tests.fixtures.network_policies import NAMESPACE, Place, allowed, egress, ingress

pytestmark = pytest.mark.timeout(600)

EDGES = yaml_places.read(cluster.ROOT / "deploy" / "observability" / "edges.yaml").data["connections"]
PLATFORM = yaml_places.read(cluster.KUBERNETES / "platform-edges.yaml").data["connections"]
WANTED = {(edge["from"], edge["to"], edge["port"]) for edge in (*EDGES, *PLATFORM) if edge["from"] != "*"}
PORTS = sorted({port for _, _, port in WANTED} | {22, 53, 80, 9090, 50060, 50061})
"""All that are used, that of health, and some that nobody should reach."""

OUTSIDE = [
    Place("ingress", "proxies", {"dearena-access": "ingress"}, {"app": "proxy"}),
    Place("scaling", "keda", {"dearena-access": "scaling"}, {"app": "keda"}),
    Place("monitoring", "monitoring", {"dearena-access": "monitoring"}, {"app": "jaeger"}),
    Place("stranger", "elsewhere", {"kubernetes.io/metadata.name": "elsewhere"}, {"app.kubernetes.io/name": "gateway"}),
    Place("dns", "kube-system", {"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "kube-dns"}),
    Place("neighbour-of-dns", "kube-system", {"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "other"}),
    Place("model-endpoints", address="8.8.8.8"),
    Place("kubernetes", address="10.96.0.1"),
]
VENDORS = [
    Place(name, labels={"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name})
    for name in ("nats", "mongo", "collector")
]
GUEST = Place("guest", labels={"app": "guest"})
"""A pod in the namespace that nobody knows of."""
WITH_POLICIES = "network-policies"


def places_of(build: Build) -> list[Place]:
    ours = [
        Place(
            workload["metadata"]["name"],
            labels=cluster.pod_of(workload)["metadata"]["labels"],
            ports={
                port["name"]: port["containerPort"]
                for container in cluster.containers_of(workload)
                for port in container.get("ports", [])
            },
        )
        for workload in build.workloads
    ]
    return [*ours, *VENDORS, GUEST, *OUTSIDE]


def guarded() -> list[Build]:
    return [build for build in cluster.builds() if build.of("NetworkPolicy")]


def edges_of(policies: list[dict[str, Any]], places: list[Place]) -> set[tuple[str, str, int]]:
    """All that is let through and touches a pod in our namespace."""
    return {
        (source.name, target.name, port)
        for source in places
        for target in places
        if any(place.namespace == NAMESPACE and not place.address for place in (source, target))
        for port in PORTS
        if allowed(policies, source, target, port)
    }


def test_policies_come_with_their_component_alone() -> None:
    assert {build.name for build in guarded()} == {
        build.name for build in cluster.builds() if WITH_POLICIES in build.name or build.name == "overlay production"
    }


def test_exactly_the_named_edges_are_let_through() -> None:
    for build in guarded():
        places = places_of(build)
        found = edges_of(build.of("NetworkPolicy"), places)
        dns = {(place.name, "dns", 53) for place in places if place.namespace == NAMESPACE and not place.address}
        assert found - WANTED - dns == set(), f"{build.name}: let through, and named nowhere"
        assert (WANTED | dns) - found == set(), f"{build.name}: named, and held back"


def test_either_end_alone_lets_through_no_more() -> None:
    build = cluster.overlay("production")
    policies, places = build.of("NetworkPolicy"), places_of(build)
    inside = {place.name for place in places if place.namespace == NAMESPACE and not place.address}
    dns = {(name, "dns", 53) for name in inside}
    for lets, here in ((egress, 0), (ingress, 1)):
        found = {
            (source.name, target.name, port)
            for source in places
            for target in places
            for port in PORTS
            if (source, target)[here].name in inside and lets(policies, source, target, port)
        }
        assert found == {edge for edge in WANTED | dns if edge[here] in inside}, lets.__name__


def test_a_policy_less_holds_back_what_is_named() -> None:
    build = cluster.overlay("production")
    policies, places = build.of("NetworkPolicy"), places_of(build)
    whole = edges_of(policies, places)
    for policy in policies:
        rest = [one for one in policies if one is not policy]
        assert edges_of(rest, places) != whole, f"{policy['metadata']['name']} changes nothing"


def test_names_are_looked_up_at_one_place_by_both_protocols() -> None:
    build = cluster.overlay("production")
    dns, neighbour = (next(one for one in OUTSIDE if one.name == name) for name in ("dns", "neighbour-of-dns"))
    for place in places_of(build):
        if place.namespace == NAMESPACE and not place.address:
            for protocol in ("TCP", "UDP"):
                assert allowed(build.of("NetworkPolicy"), place, dns, 53, protocol)
                assert not allowed(build.of("NetworkPolicy"), place, neighbour, 53, protocol)
                assert not allowed(build.of("NetworkPolicy"), place, dns, 443, protocol)


PRIVATE = [
    "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "0.0.0.1",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2002::1", "2001::1", "64:ff9b::a00:1",
    "::ffff:10.0.0.1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "99.255.0.1",
    "101.0.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.0.1",
    "2606:4700::1",
    "2a00:1450::1",
]


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE])
def test_the_gateway_alone_calls_models_and_only_on_the_public_internet(address: str) -> None:
    is_public = address in PUBLIC
    build = cluster.overlay("production")
    endpoint = Place("endpoint", address=address)
    for place in places_of(build):
        if place.namespace == NAMESPACE and not place.address:
            for port in (80, 443, 8443):
                may = allowed(build.of("NetworkPolicy"), place, endpoint, port)
                if place.name == "gateway":
                    assert may == (is_public and port == 443), (address, port)
                elif place.name == "mongo":  # whose agent asks Kubernetes
                    assert not (may and is_public)
                else:
                    assert not may, (place.name, address, port)


def goes(reach: Reach, address: str) -> bool:
    try:
        reach.check_address(address)
    except RefusedByPolicy:
        return False
    return True


def test_the_policies_know_the_same_private_networks_as_the_gateway_itself() -> None:
    build = cluster.overlay("production")
    (gateway,) = [place for place in places_of(build) if place.name == "gateway"]
    reach = Reach(frozenset({"https"}), (), ())
    chance = random.Random(7)
    drawn = [str(ip_address(chance.getrandbits(32))) for _ in range(2_000)]
    for address in (*drawn, *PRIVATE, *PUBLIC):
        may = allowed(build.of("NetworkPolicy"), gateway, Place("endpoint", address=address), 443)
        if "." in address and ":" not in address:
            assert may == goes(reach, address), address
        else:
            assert not may or goes(reach, address), address
