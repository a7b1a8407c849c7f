"""What every pod may do, how it is asked whether it is well, and how it goes: in every build."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator

import pytest

from benchmarks import sizes
from services.judge_dispatcher.settings import JudgeDispatcherSettings
from services.query_selector.settings import QuerySelectorSettings
from tests.fixtures import cluster
from tests.fixtures.cluster import RPC_SERVICES, Build, Resource

pytestmark = pytest.mark.timeout(600)

OF_KUBERNETES = {"cpu": 1.0, "m": 0.001, "Mi": 2.0**20, "Gi": 2.0**30}


def amount(text: str) -> float:
    """A quantity in cores or bytes."""
    found = re.fullmatch(r"(\d+)(m|Mi|Gi)?", text)
    assert found is not None, text
    return float(found[1]) * OF_KUBERNETES[found[2] or "cpu"]


def workloads() -> list[tuple[str, Resource]]:
    """Each that is in any build, once."""
    return [(build, one) for build, one in cluster.distinct() if one["kind"] in cluster.WITH_PODS]


def wrong_with(check: Callable[[Resource], Iterable[str]]) -> list[str]:
    """Workloads of which a check says something, with what it says."""
    return [f"{build}: {cluster.name_of(one)}: {said}" for build, one in workloads() for said in check(one)]


def test_no_pod_runs_as_root_or_holds_a_token() -> None:
    def check(workload: Resource) -> Iterator[str]:
        spec = cluster.pod_of(workload)["spec"]
        pod = spec.get("securityContext", {})
        if pod.get("runAsNonRoot") is not True or not pod.get("runAsUser") or not pod.get("runAsGroup"):
            yield "runs as root"
        if cluster.is_ours(workload) and pod.get("runAsUser") != 10001:
            yield "is not the image's user"
        if pod.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield "has no seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield "has a token"
        if spec.get("enableServiceLinks") is not False:
            yield "is told of all services by variables"
        if {"hostNetwork", "hostPID", "hostIPC"} & spec.keys():
            yield "lives in the node's own network or processes"

    assert wrong_with(check) == []


def test_no_container_may_more_than_it_must() -> None:
    least = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }

    def check(workload: Resource) -> Iterator[str]:
        for container in cluster.containers_of(workload):
            if container.get("securityContext") != least:
                yield f"{container['name']} may more than it must: {container.get('securityContext')}"
        for volume in cluster.pod_of(workload)["spec"].get("volumes", []):
            if not volume.keys() & {"emptyDir", "configMap", "secret"}:
                yield f"mounts something else: {volume}"
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"may fill the node: {volume}"

    assert wrong_with(check) == []


def test_accounts_have_no_token_and_each_pod_of_a_service_its_own() -> None:
    for build in cluster.builds():
        accounts = {one["metadata"]["name"]: one for one in build.of("ServiceAccount")}
        assert all(account["automountServiceAccountToken"] is False for account in accounts.values()), build.name
        for workload in build.of("Deployment", "StatefulSet"):
            if cluster.is_ours(workload):
                assert cluster.pod_of(workload)["spec"]["serviceAccountName"] == workload["metadata"]["name"]
        named = {cluster.pod_of(one)["spec"].get("serviceAccountName") for one in build.workloads} - {None}
        assert named == accounts.keys(), build.name


def test_every_container_has_requests_and_limits() -> None:
    def check(workload: Resource) -> Iterator[str]:
        for container in cluster.containers_of(workload):
            resources = container.get("resources", {})
            for kind in ("cpu", "memory"):
                asked, most = (resources.get(side, {}).get(kind) for side in ("requests", "limits"))
                if asked is None or most is None:
                    yield f"{container['name']} has no request or no limit of {kind}"
                elif not 0 < amount(asked) <= amount(most):
                    yield f"{container['name']} asks for more {kind} than it may have"

    assert wrong_with(check) == []


def test_every_image_has_a_tag_that_stays() -> None:
    def check(workload: Resource) -> Iterator[str]:
        for container in cluster.containers_of(workload):
            found = re.fullmatch(r"[a-z0-9./-]+(:(?P<tag>[\w.-]+)|@sha256:[0-9a-f]{64})", container["image"])
            if found is None or found["tag"] == "latest":
                yield f"{container['name']} has {container['image']}"

    assert wrong_with(check) == []


def test_production_runs_this_version() -> None:
    version = tomllib.loads((cluster.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    images = {
        container["image"]
        for workload in cluster.overlay("production").workloads
        for container in cluster.containers_of(workload)
    }
    assert images == {f"dearena:{version}"}


def test_every_container_but_a_job_s_is_asked_whether_it_is_well() -> None:
    def check(workload: Resource) -> Iterator[str]:
        for container in cluster.containers_of(workload):
            probes = {kind: container.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness")}
            if workload["kind"] == "Job":
                if any(probes.values()):
                    yield "a job that ends by itself is probed"
                continue
            ports = {port["containerPort"] for port in container["ports"]}
            named = {port["name"]: port["containerPort"] for port in container["ports"]}
            for kind, probe in probes.items():
                if not probe:
                    yield f"{container['name']} has no {kind} probe"
                elif "grpc" in probe and probe["grpc"]["port"] not in ports:
                    yield f"the {kind} probe asks at a port where nobody listens"
                elif "httpGet" in probe and probe["httpGet"]["port"] not in named:
                    yield f"the {kind} probe asks at a port without a name here"

    assert wrong_with(check) == []


def test_readiness_asks_for_the_service_that_the_pod_is() -> None:
    seen = set()
    for build, workload in workloads():
        if workload["metadata"]["name"] in RPC_SERVICES:
            (container,) = cluster.containers_of(workload)
            probe = container["readinessProbe"]["grpc"]
            assert probe["service"] == RPC_SERVICES[workload["metadata"]["name"]], build
            # An event loop that hangs answers for no service: of a whole server that lives, and only then is it spared.
            assert "service" not in container["livenessProbe"]["grpc"]
            seen.add(workload["metadata"]["name"])
    assert seen == RPC_SERVICES.keys()


def test_probes_have_the_patience_that_services_need() -> None:
    def seconds(probe: Resource) -> int:
        return int(probe["periodSeconds"] * probe["failureThreshold"])

    def check(workload: Resource) -> Iterator[str]:
        if workload["metadata"]["name"] in RPC_SERVICES:
            (container,) = cluster.containers_of(workload)
            # A start waits up to a minute for indexes, and may wait for a busy node before.
            if seconds(container["startupProbe"]) < 120:
                yield "is killed while it waits for its indexes"
            # What is busy is not dead.
            if seconds(container["livenessProbe"]) < 60 or container["livenessProbe"]["failureThreshold"] < 3:
                yield "is killed for being busy"
            # Callers should not be sent for long to one that does not answer.
            if seconds(container["readinessProbe"]) > 30:
                yield "is called for long after it has gone"
        for kind in ("startup", "readiness", "liveness"):
            for container in cluster.containers_of(workload):
                probe = container.get(f"{kind}Probe", {})
                if probe.get("timeoutSeconds", 1) > probe.get("periodSeconds", 10):
                    yield f"the {kind} probe overtakes itself"

    assert wrong_with(check) == []


def test_memory_is_enough_for_what_was_measured() -> None:
    measured = {
        name: sizes.MEASURED[f"{key}_memory"].value
        for name, key in {
            "gateway": "gateway",
            "judge-dispatcher": "dispatcher",
            "ranker": "ranker",
            "scorer": "scorer",
            "query-selector": "selector",
        }.items()
    }
    # What settings let them hold on top, in MiB.
    kept = {
        "judge-dispatcher": JudgeDispatcherSettings.model_fields["text_cache_bytes"].default / 2**20,
        "query-selector": 2 * QuerySelectorSettings.model_fields["pool_max_bytes"].default / 2**20,  # as bytes and read
        "scorer": 1.4 * 1024,  # the fit of 1,000 models with 20,000,000 votes
    }
    for _, workload in workloads():
        if (name := workload["metadata"]["name"]) in measured:
            (container,) = cluster.containers_of(workload)
            needed = measured[name] + kept.get(name, 0)
            assert amount(container["resources"]["limits"]["memory"]) / 2**20 >= 1.3 * needed, name


def test_a_probe_that_speaks_no_tls_asks_where_none_is_spoken() -> None:
    for build in cluster.builds():
        for workload in build.workloads:
            variables = {name: value for name, value, _ in cluster.environment_of(build, workload)}
            asked = {
                container[probe]["grpc"]["port"]
                for container in cluster.containers_of(workload)
                for probe in ("startupProbe", "readinessProbe", "livenessProbe")
                if "grpc" in container.get(probe, {})
            }
            if asked:
                place = "DEARENA_HEALTH_LISTEN" if "DEARENA_TLS_CERT_FILE" in variables else "DEARENA_LISTEN"
                assert asked == {int(variables[place].rpartition(":")[2])}, f"{build.name}: {cluster.name_of(workload)}"


def test_an_update_takes_no_pod_away_before_there_is_another() -> None:
    for build in cluster.builds():
        slow = 0 if build.name == "overlay kind" else 60
        for workload in build.of("Deployment", "StatefulSet"):
            if not cluster.is_ours(workload):
                continue
            spec = workload["spec"]
            assert spec["minReadySeconds"] == slow, build.name
            (container,) = cluster.containers_of(workload)
            assert container["lifecycle"]["preStop"]["sleep"]["seconds"] == 5
            if workload["kind"] == "Deployment":
                assert spec["strategy"] == {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
                }


def members(build: Build, selector: Resource) -> list[str]:
    """Workloads whose pods a selector takes."""
    return [
        cluster.name_of(one)
        for one in build.workloads
        if cluster.selects(selector, cluster.pod_of(one)["metadata"]["labels"])
    ]


def test_workloads_services_and_budgets_select_what_they_are_named_for() -> None:
    for build in cluster.builds():
        lasting = {one["metadata"]["name"]: one for one in build.of("Deployment", "StatefulSet")}
        for name, workload in lasting.items():
            assert members(build, workload["spec"]["selector"]) == [cluster.name_of(workload)], build.name
            for spread in cluster.pod_of(workload)["spec"].get("topologySpreadConstraints", []):
                assert members(build, spread["labelSelector"]) == [cluster.name_of(workload)], build.name
            assert bool(cluster.pod_of(workload)["spec"].get("topologySpreadConstraints")) == cluster.is_ours(workload)
            service = build.one("Service", name)
            (port,) = service["spec"]["ports"]
            assert members(build, {"matchLabels": service["spec"]["selector"]}) == [cluster.name_of(workload)]
            (container,) = cluster.containers_of(workload)
            named = {one["name"]: one["containerPort"] for one in container["ports"]}
            target = port.get("targetPort", port["port"])
            assert (named[target] if isinstance(target, str) else target) == port["port"], f"{build.name}: {name}"
            assert named[port["name"]] == port["port"], f"{build.name}: {name}"
            if name in RPC_SERVICES:
                assert service["spec"]["clusterIP"] == "None", "round robin needs every pod's address"
            if workload["kind"] == "StatefulSet":
                assert workload["spec"]["serviceName"] == name
        budgets = {one["metadata"]["name"]: one["spec"] for one in build.of("PodDisruptionBudget")}
        # The database comes by its operator, which makes none for it; the bus by a chart, which does.
        if (database := budgets.pop("mongo", None)) is not None:
            assert database == {"maxUnavailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": "mongo"}}}
        assert (database is not None) == (build.name == "overlay production")
        assert budgets.keys() == {name for name, one in lasting.items() if cluster.is_ours(one)}, build.name
        for name, budget in budgets.items():
            assert members(build, budget["selector"]) == [cluster.name_of(lasting[name])], build.name
            assert budget["maxUnavailable"] == 1, "with minAvailable a drain may wait for ever"


def test_whoever_scales_a_workload_is_the_only_one_who_says_how_many() -> None:
    scaled_somewhere: set[str] = set()
    for build in cluster.builds():
        scaled = {
            one["spec"]["scaleTargetRef"]["name"]: one for one in build.of("HorizontalPodAutoscaler", "ScaledObject")
        }
        for workload in build.of("Deployment"):
            assert ("replicas" in workload["spec"]) != (workload["metadata"]["name"] in scaled), build.name
        assert scaled.keys() <= {one["metadata"]["name"] for one in build.of("Deployment")}, build.name
        for one in scaled.values():
            spec = one["spec"]
            behaviour = spec.get("behavior") or spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
            assert behaviour["scaleDown"]["stabilizationWindowSeconds"] >= 600
            assert behaviour["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 300}]
            assert spec.get("minReplicas", spec.get("minReplicaCount")) >= 2
        scaled_somewhere |= scaled.keys()
    assert scaled_somewhere == {"gateway", "judge-dispatcher"}


def test_in_production_there_are_two_of_everything_and_all_components() -> None:
    production = cluster.overlay("production")
    for workload in production.of("Deployment", "StatefulSet"):
        assert workload["spec"].get("replicas", 2) >= 2, cluster.name_of(workload)
    everything = cluster.combined(cluster.COMPONENTS)
    assert set(map(cluster.name_of, everything.resources)) - set(map(cluster.name_of, production.resources)) == {
        cluster.name_of(everything.one("ConfigMap", "arena"))
    }


def test_jobs_can_be_applied_before_all_else() -> None:
    """By one label, which they have and what they need of the same build, and nothing besides."""
    for build in cluster.builds():
        first = {
            cluster.name_of(one) for one in build.resources if "dearena-first" in one["metadata"].get("labels", {})
        }
        needed = set()
        for job in filter(cluster.is_ours, build.of("Job")):
            if job["metadata"]["name"] == "replica-set":
                continue  # of the overlay for a laptop, where all comes at once
            spec = cluster.pod_of(job)["spec"]
            needed |= {cluster.name_of(job), f"ServiceAccount/{spec['serviceAccountName']}"}
            for container in spec["containers"]:
                needed |= {f"ConfigMap/{source['configMapRef']['name']}" for source in container.get("envFrom", [])}
        assert first == needed, build.name


def test_pages_apply_jobs_by_the_label_that_they_have() -> None:
    said = re.findall(
        r"--selector (\S+)", "".join(path.read_text("utf-8") for path in (cluster.ROOT / "docs").rglob("*.md"))
    )
    labels = {
        f"{key}={value}"
        for job in cluster.overlay("production").of("Job")
        for key, value in job["metadata"]["labels"].items()
    }
    assert len(said) >= 2
    assert set(said) <= labels
