"""What pods are told: settings that exist, all that are needed, files that are mounted, and secrets by name only."""

import importlib
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from dearena import yaml_places
from dearena.client.addresses import Addresses
from dearena.transport import certificates
from services.gateway.settings import GatewaySettings, key_hosts_of
from services.indexes import IndexSettings
from services.runtime import bus_security
from services.runtime.settings import ServiceSettings
from services.runtime.topology import DEFAULT_PATH, Topology, TopologySettings
from tests.fixtures import cluster
from tests.fixtures.cluster import RPC_SERVICES, Build, Resource

pytestmark = pytest.mark.timeout(600)

EDGES = yaml_places.read(cluster.ROOT / "deploy" / "observability" / "edges.yaml").data["connections"]
README = (cluster.KUBERNETES / "README.md").read_text("utf-8")
CLIENT = {f"DEARENA_{name.upper()}_ADDRESS" for name in Addresses.__dataclass_fields__} | {
    certificates.CERT,
    certificates.KEY,
    certificates.CA,
}
"""What the dashboard reads as every client does."""
SECRET_WORDS = re.compile(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|_URL$|(?<!TLS)_KEY$")


def settings_of(workload: Resource) -> type[BaseSettings] | None:
    """The settings class of the module that its container runs; None where it has none."""
    (container,) = cluster.containers_of(workload)
    module = container["args"][0]
    match module:
        case "services.runtime.topology":
            return TopologySettings
        case "services.indexes":
            return IndexSettings
        case "services.runtime.replica_set":
            return None
    found = importlib.import_module(f"{module}.settings")
    (settings,) = (
        one
        for one in vars(found).values()
        if isinstance(one, type) and issubclass(one, BaseSettings) and one.__module__ == found.__name__
    )
    return settings


def variables_of(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    return {str(field.validation_alias or f"{prefix}{name.upper()}") for name, field in settings.model_fields.items()}


def ours() -> Iterator[tuple[Build, Resource, dict[str, Any]]]:
    """Build, workload of ours, and its variables."""
    for build in cluster.builds():
        for workload in build.workloads:
            if cluster.is_ours(workload):
                yield build, workload, {name: said for name, said, _ in cluster.environment_of(build, workload)}


def test_every_variable_of_ours_is_a_setting_of_the_program_that_is_told() -> None:
    for build in cluster.builds():
        shared: dict[str, bool] = {}
        for workload in filter(cluster.is_ours, build.workloads):
            settings = settings_of(workload)
            known = set() if settings is None else variables_of(settings)
            if workload["metadata"]["name"] == "dashboard":
                known |= CLIENT
            for name, _, from_all in cluster.environment_of(build, workload):
                assert name.startswith("DEARENA_"), name
                if from_all:
                    shared[name] = shared.get(name, False) or name in known
                else:
                    assert name in known, f"{build.name}: {workload['metadata']['name']} knows no {name}"
        assert [name for name, is_known in shared.items() if not is_known] == [], build.name


def test_the_values_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "ranker-0")
    done = set()
    for build, workload, said in ours():
        settings = settings_of(workload)
        if settings is None or (key := (settings, str(sorted(said.items(), key=str)))) in done:
            continue
        done.add(key)
        with monkeypatch.context() as environment:
            for name in variables_of(settings):
                environment.delenv(name, raising=False)
            # Certificates are looked at when settings are read, and are not here.
            for name, value in said.items():
                if "_TLS_" not in name and name != bus_security.CA:
                    environment.setenv(name, value if isinstance(value, str) else "given-by-a-secret")
            taken = settings()
        if isinstance(taken, ServiceSettings):
            spec = cluster.pod_of(workload)["spec"]
            (container,) = spec["containers"]
            drains = 2 * taken.drain_seconds
            if isinstance(taken, GatewaySettings):
                drains += taken.drain_calls_seconds
                assert spec["terminationGracePeriodSeconds"] >= 90
            pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            # What is flushed at the end, spans and connections, takes up to another ten seconds.
            assert spec["terminationGracePeriodSeconds"] >= pause + drains + 10, f"{build.name}: {container['name']}"


def test_every_program_is_told_what_it_needs() -> None:
    for build, workload, said in ours():
        name = workload["metadata"]["name"]
        where = f"{build.name}: {name}"
        scheme = "https" if "tracing-mtls" in build.name or "production" in build.name else "http"
        told = {
            "mongo": said.get("DEARENA_MONGO_URL") == secret("mongo-connection", "connectionString.standard"),
            "nats": said.get("DEARENA_NATS_URL") == secret("nats-connection", "url"),
            "collector": said.get("DEARENA_OTLP_ENDPOINT") == f"{scheme}://collector:4317",
        }
        if "replica-set" in name:
            continue
        called = [edge for edge in EDGES if edge["from"] == name]
        assert called, f"{name} is on no edge"
        for edge in called:
            if edge["to"] == "collector":
                assert told["collector"] == ("tracing" in build.name or "production" in build.name), where
            elif edge["to"] in told:
                assert told[edge["to"]], f"{where} is not told of {edge['to']}"
            elif edge["protocol"] == "grpc":
                address = said[f"DEARENA_{edge['to'].replace('-', '_').upper()}_ADDRESS"]
                assert address == f"dns:///{edge['to']}:{edge['port']}", where
                (port,) = build.one("Service", edge["to"])["spec"]["ports"]
                assert port["port"] == edge["port"], where
        # And of no credentials that it has no use for.
        for place in ("mongo", "nats"):
            assert told[place] == any(edge["to"] == place for edge in called), f"{where} is told of {place}"


def secret(name: str, key: str) -> Resource:
    return {"secretKeyRef": {"name": name, "key": key}}


def test_it_listens_where_its_service_sends_calls() -> None:
    for build, workload, said in ours():
        if workload["kind"] == "Job":
            continue
        name = workload["metadata"]["name"]
        listen = said["DEARENA_DASHBOARD_LISTEN" if name == "dashboard" else "DEARENA_LISTEN"]
        (port,) = build.one("Service", name)["spec"]["ports"]
        assert listen == f"0.0.0.0:{port['port']}", f"{build.name}: {name}"


def test_rankers_are_as_many_as_shards_and_the_topology_job_knows_the_number() -> None:
    counts = set()
    for build, workload, said in ours():
        if workload["metadata"]["name"] == "ranker":
            assert said["DEARENA_SHARD"] == "hostname"
            assert workload["spec"]["replicas"] == int(said["DEARENA_SHARDS"]), build.name
            counts.add((build.name, said["DEARENA_SHARDS"]))
        elif workload["metadata"]["name"] == "topology":
            counts.add((build.name, said["DEARENA_SHARDS"]))
    assert len(counts) == len(cluster.builds())
    assert ("overlay production", "3") in counts


def test_every_file_that_is_named_lies_in_a_volume_that_is_mounted_to_be_read_only() -> None:
    for build, workload, said in ours():
        spec = cluster.pod_of(workload)["spec"]
        (container,) = spec["containers"]
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
        assert {mount["name"] for mount in mounts.values()} == volumes, f"{build.name}: {container['name']}"
        for name, value in said.items():
            if name.endswith(("_FILE", "_DIRECTORY")):
                assert mounts[f"/{value.split('/')[1]}"]["readOnly"] is True, name
            elif isinstance(value, str):
                assert not value.startswith("/"), f"{name} looks like a file"


def test_secrets_stand_nowhere_and_are_named_where_people_read_of_them() -> None:
    for build in cluster.builds():
        assert build.of("Secret") == [], build.name
        for workload in build.workloads:
            for name, value, _ in cluster.environment_of(build, workload):
                if isinstance(value, str):
                    is_place = name.endswith(("_FILE", "_DIRECTORY"))
                    assert is_place or not SECRET_WORDS.search(name), f"{build.name}: {name} is written out"
                    assert not re.search(r"://[^/\s]*@", value), f"{build.name}: {name} holds a password"
    named = set(
        re.findall(r"'(?:secretName|name)': '([a-z-]+)'", str([list(secrets_in(one)) for _, one in cluster.distinct()]))
    )
    made = {
        certificate["spec"]["secretName"]
        for _, certificate in cluster.distinct()
        if certificate["kind"] == "Certificate"
    }
    made.add("ingress-client-tls")
    assert {"mongo-connection", "nats-connection", "installation", "model-keys", "model-key-variables"} <= named
    for name in named - made:
        assert f"`{name}`" in README, f"{name} is asked for, and the README does not say so"


def secrets_in(value: Any) -> Iterator[Any]:
    """Whatever in a resource refers to a Secret."""
    if isinstance(value, list):
        for one in value:
            yield from secrets_in(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in {"secretKeyRef", "secretRef", "secret"}:
                yield one
            elif key == "certificateRefs":
                yield from one
            elif key == "secretName":
                yield {"secretName": one}
            else:
                yield from secrets_in(one)


def test_dispatchers_are_scaled_by_a_consumer_that_there_is() -> None:
    topology = Topology.read(DEFAULT_PATH)
    (scaler,) = [one for _, one in cluster.distinct() if one["kind"] == "ScaledObject"]
    (trigger,) = scaler["spec"]["triggers"]
    wanted = (trigger["metadata"]["stream"], trigger["metadata"]["consumer"])
    (consumer,) = [one for one in topology.consumers if (one.stream, one.durable) == wanted]
    most = scaler["spec"]["maxReplicaCount"]
    # All that the consumer gives out at once is in hand before more dispatchers would get nothing.
    assert most * int(trigger["metadata"]["lagThreshold"]) <= consumer.max_ack_pending


def test_certificates_are_for_the_names_that_services_are_called_by() -> None:
    for build in cluster.builds():
        with_tls = [
            (workload, said)
            for workload in filter(cluster.is_ours, build.workloads)
            if (said := {name: value for name, value, _ in cluster.environment_of(build, workload)}).get(
                certificates.CERT
            )
        ]
        issued = {one["spec"]["secretName"]: one["spec"] for one in build.of("Certificate")}
        if not issued:
            assert with_tls == []
            continue
        assert {workload["metadata"]["name"] for workload, _ in with_tls} == {
            "topology",
            *(one["metadata"]["name"] for one in build.of("Deployment", "StatefulSet")),
        }
        for workload, said in with_tls:
            name = workload["metadata"]["name"]
            assert [said[file] for file in (certificates.CERT, certificates.KEY, certificates.CA)] == [
                "/tls/tls.crt",
                "/tls/tls.key",
                "/tls/ca.crt",
            ]
            (volume,) = [one for one in cluster.pod_of(workload)["spec"]["volumes"] if one["name"] == "tls"]
            certificate = issued[volume["secret"]["secretName"]]
            is_job = workload["kind"] == "Job"
            assert volume["secret"]["secretName"] == ("jobs-tls" if is_job else f"{name}-tls")
            assert set(certificate["usages"]) == {"client auth"} | (set() if is_job else {"server auth"})
            if name in RPC_SERVICES:
                by_address = {name, f"{name}.dearena", f"{name}.dearena.svc", f"{name}.dearena.svc.cluster.local"}
                assert set(certificate["dnsNames"]) == by_address | {"localhost"}


def test_certificates_are_renewed_before_they_end_and_by_one_authority_whose_key_stays() -> None:
    found = [one for _, one in cluster.distinct() if one["kind"] == "Certificate"]
    for certificate in found:
        spec = certificate["spec"]
        lasts, before = (int(spec[name].removesuffix("h")) for name in ("duration", "renewBefore"))
        assert 24 * 7 <= before <= lasts / 2, certificate["metadata"]["name"]
        if spec.get("isCA"):
            # With another key, what it has signed would be believed by nobody.
            assert spec["privateKey"]["rotationPolicy"] == "Never"
            authority = spec["secretName"]
        else:
            assert spec["issuerRef"] == {"name": "arena", "kind": "Issuer"}
    (issuer,) = [one for _, one in cluster.distinct() if one["kind"] == "Issuer" and one["metadata"]["name"] == "arena"]
    assert issuer["spec"] == {"ca": {"secretName": authority}}


def test_routes_go_by_the_full_names_of_all_services() -> None:
    build = cluster.overlay("production")
    routes = {
        rule["backendRefs"][0]["name"]: (rule["matches"][0]["method"]["service"], rule["backendRefs"][0]["port"])
        for route in build.of("GRPCRoute")
        for rule in route["spec"]["rules"]
    }
    assert routes == {
        name: (full, build.one("Service", name)["spec"]["ports"][0]["port"]) for name, full in RPC_SERVICES.items()
    }
    (page,) = build.of("HTTPRoute")
    assert page["spec"]["rules"][0]["backendRefs"] == [{"name": "dashboard", "port": 8080}]
    (gateway,) = build.of("Gateway")
    listeners = {listener["name"] for listener in gateway["spec"]["listeners"]}
    for route in build.of("GRPCRoute", "HTTPRoute"):
        assert {(one["name"], one["sectionName"]) for one in route["spec"]["parentRefs"]} <= {
            (gateway["metadata"]["name"], listener) for listener in listeners
        }
    # Nobody comes in who shows no certificate: services ask nobody who he is.
    assert gateway["spec"]["tls"]["frontend"]["default"]["validation"]["caCertificateRefs"]
    assert {one["spec"]["validation"]["hostname"] for one in build.of("BackendTLSPolicy")} == routes.keys()


def test_in_production_no_key_goes_where_its_owner_did_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    production = cluster.overlay("production")
    for name, value, _ in cluster.environment_of(production, production.one("Deployment", "gateway")):
        if "_TLS_" not in name and name != bus_security.CA:
            monkeypatch.setenv(name, value if isinstance(value, str) else "given-by-a-secret")
    settings = GatewaySettings()
    assert settings.reach().allowed_schemes == {"https"}
    hosts = settings.reach().allowed_hosts
    assert hosts
    ring = key_hosts_of(settings.key_hosts)
    assert ring
    assert {host for _, host in ring} <= set(hosts)
    # The first model of the page on installing is one that may be called, with a key that is there.
    page = (cluster.ROOT / "docs" / "operations" / "install.md").read_text("utf-8")
    ((url, key),) = re.findall(r"dearena register \S+ --url (\S+) .*--key (\S+)", page)
    settings.reach().check_url(url)
    assert key in {reference for reference, _ in ring}
    assert key.startswith(f"file:{settings.key_directory}/")
    assert f"secret generic model-keys --from-file {key.rpartition('/')[2]}=" in page


def test_the_way_in_shows_services_a_certificate_that_they_take() -> None:
    for build in cluster.builds():
        if not (build.of("Gateway") and build.of("Certificate")):
            assert build.of("BackendTLSPolicy") == []
            continue
        if not build.of("BackendTLSPolicy"):
            continue  # without ingress-mtls nobody comes in: the services turn away who shows none
        (gateway,) = build.of("Gateway")
        issued = {one["spec"]["secretName"]: one["spec"] for one in build.of("Certificate")}
        shown = issued[gateway["spec"]["tls"]["backend"]["clientCertificateRef"]["name"]]
        assert shown["usages"] == ["client auth"]
        assert shown["issuerRef"]["name"] == "arena"
        for policy in build.of("BackendTLSPolicy"):
            validation = policy["spec"]["validation"]
            (target,) = policy["spec"]["targetRefs"]
            assert (target["kind"], target["name"]) == ("Service", validation["hostname"])
            assert validation["hostname"] in issued[f"{target['name']}-tls"]["dnsNames"]
            assert [one["name"] for one in validation["caCertificateRefs"]] == ["arena-ca"]
            assert build.one("Service", target["name"])["spec"]["ports"][0]["appProtocol"] == "grpc"
