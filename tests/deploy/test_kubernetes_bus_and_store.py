"""Bus, database and collector speak TLS, by certificates of one authority, for the names they are called by."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from pymongo import uri_parser

from dearena import yaml_places
from dearena.transport import certificates
from services.runtime import bus_security
from tests.fixtures import cluster, pages
from tests.fixtures.cluster import Build

pytestmark = pytest.mark.timeout(600)

CHARTS = cluster.KUBERNETES / "charts"
NATS: Final[dict[str, Any]] = yaml_places.read(CHARTS / "nats.yaml").data
MONGO: Final[dict[str, Any]] = yaml_places.read(CHARTS / "mongodb.yaml").data["spec"]
AUTHORITY = "/tls/ca.crt"


def issued(secret: str) -> dict[str, Any]:
    """What production's certificate in a Secret is made of."""
    (found,) = [
        one["spec"] for one in cluster.overlay("production").of("Certificate") if one["spec"]["secretName"] == secret
    ]
    return dict(found)


def hosts_of_the_database() -> list[str]:
    """As the operator puts them together."""
    return [f"mongo-{number}.mongo-svc.dearena.svc.cluster.local" for number in range(MONGO["members"])]


def url_of_the_database(password: str) -> str:
    """As the operator writes it into `mongo-connection`."""
    (user,) = [one for one in MONGO["users"] if "connectionStringSecretName" in one]
    more = "".join(f"&{name}={value}" for name, value in user["additionalConnectionStringConfig"].items())
    hosts = ",".join(f"{host}:27017" for host in hosts_of_the_database())
    tls = str(MONGO["security"]["tls"]["enabled"]).lower()
    return f"mongodb://{user['name']}:{password}@{hosts}/{user['db']}?replicaSet=mongo&ssl={tls}{more}"


def test_the_bus_asks_its_clients_for_certificates_before_it_says_anything() -> None:
    tls = NATS["config"]["nats"]["tls"]
    assert tls["enabled"] is True
    assert tls["merge"] == {"verify": True, "handshake_first": True}
    assert NATS["config"]["cluster"]["tls"]["enabled"] is True
    # By authorities of the Secret that their own certificate is in.
    assert NATS["tlsCA"]["enabled"] is True
    assert {tls["secretName"], NATS["config"]["cluster"]["tls"]["secretName"], NATS["tlsCA"]["secretName"]} == {
        "nats-tls"
    }


def test_the_bus_has_a_certificate_for_each_name_that_it_is_called_by() -> None:
    certificate = issued(NATS["config"]["nats"]["tls"]["secretName"])
    assert set(certificate["usages"]) == {"server auth", "client auth"}
    name = NATS["fullnameOverride"]
    # Members call each other by the routes that the chart writes.
    members = {f"{name}-{number}.{name}-headless" for number in range(NATS["config"]["cluster"]["replicas"])}
    assert members | {name} <= set(certificate["dnsNames"])


def test_a_certificate_that_is_renewed_is_read_by_the_bus() -> None:
    assert NATS["reloader"]["enabled"] is True


@pytest.mark.parametrize("page", ["install", "rotate-keys"])
def test_the_bus_is_called_by_tls_and_by_a_name_in_its_certificate(page: str) -> None:
    words = [
        word
        for command in pages.read(cluster.ROOT / "docs" / "operations" / f"{page}.md").commands()
        if "nats-connection" in command
        for word in command
        if word.startswith("url=")
    ]
    assert words
    for word in words:
        url = urlsplit(word.removeprefix("url="))
        assert (url.scheme, url.port) == ("tls", 4222)
        assert url.hostname in issued("nats-tls")["dnsNames"]
        assert url.username == NATS["config"]["merge"]["authorization"]["user"]


def test_the_database_takes_tls_alone_and_has_a_certificate_for_each_member() -> None:
    tls = MONGO["security"]["tls"]
    assert tls["enabled"] is True
    assert not tls.get("optional")
    assert tls["caCertificateSecretRef"] == tls["certificateKeySecretRef"]
    certificate = issued(tls["certificateKeySecretRef"]["name"])
    assert set(certificate["usages"]) == {"server auth", "client auth"}
    # And for whoever backs it up, through a port that kubectl forwards.
    assert {*hosts_of_the_database(), "localhost"} <= set(certificate["dnsNames"])


def test_users_of_the_database_may_no_more_than_they_must() -> None:
    roles = {user["name"]: {(role["name"], role["db"]) for role in user["roles"]} for user in MONGO["users"]}
    assert roles == {
        # Transactions, and indexes of its own collections.
        "dearena": {("readWrite", "dearena"), ("dbAdmin", "dearena")},
        "backup": {("backup", "admin")},
    }


def test_the_url_of_the_database_is_one_that_our_driver_takes(tmp_path: Path) -> None:
    url = url_of_the_database("a-password")
    assert url.endswith(f"&ssl=true&tlsCAFile={AUTHORITY}")
    file = tmp_path / "ca.crt"
    file.touch()
    read = uri_parser.parse_uri(url.replace(AUTHORITY, str(file)))
    assert (read["options"]["tls"], read["options"]["tlsCAFile"]) == (True, str(file))
    assert read["options"]["replicaSet"] == "mongo"
    assert (read["username"], read["database"]) == ("dearena", "admin")


def test_the_collector_asks_senders_for_certificates_and_shows_one_for_its_name() -> None:
    values = yaml_places.read(CHARTS / "collector.yaml").data
    overlaid = yaml_places.read(cluster.ROOT / "deploy" / "observability" / "collector-tls.yaml").data
    tls = overlaid["receivers"]["otlp"]["protocols"]["grpc"]["tls"]
    (conf, own) = values["extraVolumes"]
    places = {one["name"]: one["mountPath"] for one in values["extraVolumeMounts"]}
    (item,) = conf["configMap"]["items"]
    assert values["command"]["extraArgs"] == [f"--config={places[conf['name']]}/{item['path']}"]
    assert [tls[name] for name in ("cert_file", "key_file", "client_ca_file")] == [
        f"{places[own['name']]}/{file}" for file in ("tls.crt", "tls.key", "ca.crt")
    ]
    assert tls["client_ca_file_reload"] is True
    # Long before a certificate that was renewed has come to its end.
    assert tls["reload_interval"] == "1h"
    # Without this its user could not read the key.
    assert values["podSecurityContext"]["fsGroup"] == values["podSecurityContext"]["runAsUser"]
    called = urlsplit(cluster.overlay("production").one("ConfigMap", "arena")["data"]["DEARENA_OTLP_ENDPOINT"])
    certificate = issued(own["secret"]["secretName"])
    assert called.hostname in certificate["dnsNames"]
    assert "server auth" in certificate["usages"]
    # Both pages that make its settings put both files there.
    made = [
        command
        for page in ("install", "upgrade")
        for command in pages.read(cluster.ROOT / "docs" / "operations" / f"{page}.md").commands()
        if command[0] == "kubectl" and "configmap" in command and "collector" in command
    ]
    assert len(made) == 2
    for command in made:
        assert f"{item['key']}=deploy/observability/collector-tls.yaml" in command


def with_certificates() -> list[Build]:
    return [build for build in cluster.builds() if build.of("Certificate")]


def test_whoever_has_certificates_believes_bus_and_database_by_them() -> None:
    for build in cluster.builds():
        for workload in filter(cluster.is_ours, build.workloads):
            where = f"{build.name}: {cluster.name_of(workload)}"
            said = {name: value for name, value, _ in cluster.environment_of(build, workload)}
            (container,) = cluster.containers_of(workload)
            mounted = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}
            rings, stores = ("DEARENA_NATS_URL" in said), ("DEARENA_MONGO_URL" in said)
            guarded = build in with_certificates()
            assert (said.get(bus_security.CA) == AUTHORITY) == (rings and guarded), where
            assert (said.get(bus_security.TLS_FIRST) == "true") == (rings and guarded), where
            if not (guarded and (rings or stores)):
                continue
            (volume,) = [one for one in cluster.pod_of(workload)["spec"]["volumes"] if one["name"] == mounted["/tls"]]
            names = {one["spec"]["secretName"] for one in build.of("Certificate")}
            assert volume["secret"]["secretName"] in names, where
            if rings:
                # The bus asks for it.
                assert said[certificates.CERT] == "/tls/tls.crt", where
