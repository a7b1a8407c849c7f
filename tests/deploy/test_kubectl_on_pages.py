"""What pages have people do to a cluster names what is there: workloads, their pods, secrets, ports."""

import re
from collections.abc import Iterator
from functools import cache

import pytest

from dearena import yaml_places
from tests.deploy.test_install_page import made_by_hand
from tests.fixtures import cluster, pages
from tests.fixtures.pages import Page

pytestmark = pytest.mark.timeout(600)

PAGES = [
    pages.read(path)
    for path in (*sorted((cluster.ROOT / "docs" / "operations").rglob("*.md")), cluster.KUBERNETES / "README.md")
]
of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
KINDS = {"deployment", "statefulset", "service", "job", "pod", "certificate", "scaledobject", "secret", "configmap"}
KINDS |= {"mongodbcommunity", "servicemonitor", "cronjob"}
LABEL = "app.kubernetes.io/name"


@cache
def there() -> frozenset[tuple[str, str]]:
    """Kind and name of all that is in production's namespace: by the overlay, by hand, by charts and operator."""
    production = cluster.overlay("production")
    found = {
        (one["kind"].lower(), re.sub(r"^arena-[a-z0-9]{10}$", "arena", one["metadata"]["name"]))
        for one in production.resources
    }
    for folder in ("watching", "backup"):
        found |= {
            (one["kind"].lower(), one["metadata"]["name"]) for one in cluster.kustomized(cluster.KUBERNETES / folder)
        }
    found |= {("job", "backup-now"), ("pod", "backup-reader")}  # made on the page on backups, from what is there
    found |= {("secret", one["spec"]["secretName"]) for one in production.of("Certificate")}
    found |= {(kind.lower(), name) for kind, name in made_by_hand()}
    values = yaml_places.read(cluster.KUBERNETES / "charts" / "nats.yaml").data
    members = {values["fullnameOverride"]: values["config"]["cluster"]["replicas"]}
    database = yaml_places.read(cluster.KUBERNETES / "charts" / "mongodb.yaml").data
    members[database["metadata"]["name"]] = database["spec"]["members"]
    found.add(("mongodbcommunity", database["metadata"]["name"]))
    for name, number in members.items():
        found |= {("statefulset", name), *(("pod", f"{name}-{one}") for one in range(number))}
    collector = yaml_places.read(cluster.KUBERNETES / "charts" / "collector.yaml").data
    return frozenset(found | {("deployment", collector["fullnameOverride"])})


def kubectl(page: Page) -> Iterator[list[str]]:
    """Commands to the arena's namespace."""
    for command in page.commands():
        if command[0] == "kubectl" and {"--namespace", "-n"} & set(command):
            at = next(at for at, word in enumerate(command) if word in {"--namespace", "-n"})
            if command[at + 1] == "dearena":
                yield command[1:at] + command[at + 2 :]


def named(command: list[str]) -> Iterator[tuple[str, str]]:
    """What a command says of kinds and names that must be there; not what it makes."""
    verb, *rest = command
    if verb in {"create", "apply"}:
        return
    if "--" in rest:
        rest = rest[: rest.index("--")]
    for word in rest:
        kind, slash, name = word.partition("/")
        if slash and kind in KINDS:
            yield kind, name
    if verb in {"get", "delete", "describe", "wait"} and rest[0] in KINDS:
        for word in rest[1:]:
            if word.startswith("-"):
                break
            yield rest[0], word
    if verb == "exec":
        target = next(word for word in rest if not word.startswith("-"))
        if "/" not in target:
            yield "pod", target


@of_each_page
def test_what_is_named_is_there(page: Page) -> None:
    for command in kubectl(page):
        for one in named(command):
            assert one in there(), command


RUNBOOKS = [page for page in PAGES if page.path.parent.name == "runbooks" and page.path.stem != "README"]


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.path.stem)
def test_whoever_is_woken_is_told_how_to_look_on_a_cluster_and_in_compose(page: Page) -> None:
    in_compose = re.findall(r"docker compose (\w+)(?: -\S+)* ?([\w-]*)", "\n".join(page.lines()))
    on_cluster = [" ".join(command) for command in kubectl(page)]
    for verb, service in in_compose:
        # Of the same service: its workload, its pod or its label.
        alike = [said for said in on_cluster if re.search(rf"(/|=|\b){service}\b", said)]
        assert alike, f"docker compose {verb} {service} has nothing of its kind on a cluster"
    # Compose has no certificates.
    assert bool(in_compose) or not on_cluster or page.path.stem in {"judging-nearly-full", "certificate-ends"}


@of_each_page
def test_pods_are_chosen_by_a_name_that_pods_have(page: Page) -> None:
    production = cluster.overlay("production")
    names = {cluster.pod_of(one)["metadata"]["labels"][LABEL] for one in production.workloads}
    names |= {"nats", "mongo", "collector"}  # the vendors', as the network policies know them
    for chosen in re.findall(rf"{LABEL}=([\w-]+)", page.text):
        assert chosen in names


@of_each_page
def test_ports_that_are_forwarded_are_open(page: Page) -> None:
    for command in kubectl(page):
        if command[0] == "port-forward":
            (target,) = [word for word in command if "/" in word]
            kind, _, name = target.partition("/")
            ports = {27017} if (kind, name[:-2]) == ("pod", "mongo") else set()
            if kind == "service":
                ports = {port["port"] for port in cluster.overlay("production").one("Service", name)["spec"]["ports"]}
            asked = {int(word) for word in command if word.isdigit()}
            assert asked, command
            assert asked <= ports, command


@of_each_page
def test_what_is_scaled_down_comes_back(page: Page) -> None:
    """An overlay that scales a workload names no number for it, and no scaler wakes gateways from 0."""
    down: set[str] = set()
    for command in kubectl(page):
        if command[0] == "scale":
            targets = {word for word in command if "/" in word}
            if command[command.index("--replicas") + 1] == "0":
                down |= targets
            else:
                down -= targets
    kinds = {"deployment": "Deployment", "statefulset": "StatefulSet"}
    for target in down:
        kind, _, name = target.partition("/")
        assert cluster.overlay("production").one(kinds[kind], name)["spec"].get("replicas", 0) > 0, target


@of_each_page
def test_an_image_that_is_run_is_that_of_compose(page: Page) -> None:
    images = {
        service.get("image")
        for service in yaml_places.read(cluster.ROOT / "docker-compose.yml").data["services"].values()
    }
    for command in page.commands():
        if command[:2] == ["docker", "run"]:
            assert images & set(command), command


def test_a_name_that_is_not_there_is_found() -> None:
    page = Page(
        cluster.ROOT / "docs" / "x.md",
        "```\nkubectl -n dearena rollout status deployment/ranker\n"
        "kubectl --namespace dearena delete job topologies indexes\n"
        "kubectl -n dearena exec nats-7 -c nats -- ls deployment/none\nkubectl -n other get secret x\n```\n",
    )
    found = {one for command in kubectl(page) for one in named(command)}
    assert found - there() == {("deployment", "ranker"), ("job", "topologies"), ("pod", "nats-7")}
