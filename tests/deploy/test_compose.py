"""What compose starts is bounded, watched, reached from this machine alone, and fits together."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WATCHING = ROOT / "deploy/observability"
# Beside the interpreter, as make setup puts it.
COMPOSE = Path(sys.executable).parent / "docker-compose"

# Services whose root may be written to and that keep what containers may do, each with the reason.
WRITABLE = {"mongo": "its image starts as root, and its shell writes to its home"}
# Not kept running: they are asked for, do their work and end.
ASKED_FOR = {"cli"}


@cache
def composed(*options: str) -> dict[str, Any]:
    """What docker-compose makes of the file, with an environment of its own."""
    done = subprocess.run(
        [COMPOSE, "--project-directory", ".", *options, "config", "--format", "json"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def everything() -> dict[str, Any]:
    return composed("--profile", "*")


SERVICES: dict[str, dict[str, Any]] = everything()["services"]
each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def jobs() -> set[str]:
    """Services that others wait for until they have ended."""
    waited_for = {
        (other, how["condition"]) for one in SERVICES.values() for other, how in one.get("depends_on", {}).items()
    }
    return {other for other, condition in waited_for if condition == "service_completed_successfully"} | ASKED_FOR


def port_of(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("http://").rpartition(":")
    return host, int(port)


@each_service
def test_what_runs_is_asked_after_its_health(name: str) -> None:
    service = SERVICES[name]
    if name in jobs():
        assert service.get("restart", "no") == "no"
        return
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout"} <= set(check)


@each_service
def test_what_runs_has_limits(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert int(limits["memory"]) > 0


@each_service
def test_images_are_named_by_a_version(name: str) -> None:
    service = SERVICES[name]
    images = [service["image"]]
    inline = service.get("build", {}).get("dockerfile_inline", "")
    images += re.findall(r"^FROM (\S+)", inline, re.MULTILINE)
    for image in images:
        version = image.rpartition("/")[2].partition(":")[2]
        assert version, image
        assert version not in {"latest", "main", "edge"}, image
    # What is built upon another's image has its version.
    for base in re.findall(r"^FROM (\S+)$", inline, re.MULTILINE):
        assert service["image"].rpartition(":")[2] == base.rpartition(":")[2]


@each_service
def test_what_runs_may_do_nothing_but_what_it_is_for(name: str) -> None:
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert bool(service.get("read_only", False)) == (name not in WRITABLE)
    assert (service.get("cap_drop") == ["ALL"]) == (name not in WRITABLE)
    assert not service.get("privileged", False)
    assert not service.get("cap_add")


@each_service
def test_ports_are_open_to_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port["host_ip"] == "127.0.0.1", port


@each_service
def test_what_is_said_does_not_fill_the_disk(name: str) -> None:
    logging = SERVICES[name]["logging"]
    assert logging["driver"] == "json-file"
    assert set(logging["options"]) == {"max-size", "max-file"}


@each_service
def test_what_is_mounted_from_here_is_here_and_stays_as_it_is(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        if volume["type"] == "bind":
            assert volume.get("read_only"), volume
            assert Path(volume["source"]).exists(), volume


@each_service
def test_what_is_waited_for_until_it_is_well_can_say_so(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other], f"{name} waits for {other}"
        # Else the one could not start without the other's profile.
        assert set(SERVICES[other].get("profiles", ())) <= set(SERVICES[name].get("profiles", ()))


def test_no_password_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + (WATCHING / "compose.env").read_text()
    assert not re.search(r"passw(or)?d\s*[:=]", text, re.IGNORECASE)


def test_the_core_runs_without_what_watches_it() -> None:
    watching = {name for name, service in SERVICES.items() if service.get("profiles") == ["observability"]}
    assert watching == {"collector", "jaeger", "prometheus", "grafana"}
    core = composed()["services"]
    assert not watching & set(core)
    assert not core["gateway"]["environment"]["DEARENA_OTLP_ENDPOINT"]


def test_one_file_of_settings_turns_watching_on() -> None:
    watched = composed("--env-file", "deploy/observability/compose.env")["services"]
    assert {"collector", "jaeger", "prometheus", "grafana"} <= set(watched)
    for name in ("gateway", "query-selector", "ranker", "judge-dispatcher", "scorer"):
        assert port_of(watched[name]["environment"]["DEARENA_OTLP_ENDPOINT"]) == ("collector", 4317)


def test_each_hears_from_whom_it_should() -> None:
    collector = yaml.safe_load((WATCHING / "collector.yaml").read_text())
    assert port_of(collector["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"])[1] == 4317
    pipelines = collector["service"]["pipelines"]
    assert "prometheus" in pipelines["metrics"]["exporters"]
    (to_jaeger,) = (one for name, one in collector["exporters"].items() if name.startswith("otlp"))
    jaeger = yaml.safe_load((WATCHING / "jaeger.yaml").read_text())
    listens = port_of(jaeger["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"])[1]
    assert port_of(to_jaeger["endpoint"]) == ("jaeger", listens)

    scraped = yaml.safe_load((WATCHING / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    (target,) = (target for one in scraped for group in one["static_configs"] for target in group["targets"])
    assert port_of(target) == ("collector", port_of(collector["exporters"]["prometheus"]["endpoint"])[1])

    sources = yaml.safe_load((WATCHING / "grafana/provisioning/datasources/arena.yaml").read_text())["datasources"]
    told = {source["uid"]: port_of(source["url"]) for source in sources}
    listens = port_of(jaeger["extensions"]["jaeger_query"]["http"]["endpoint"])[1]
    assert told == {"prometheus": ("prometheus", 9090), "jaeger": ("jaeger", listens)}


def test_healthchecks_ask_where_health_is_told() -> None:
    collector = yaml.safe_load((WATCHING / "collector.yaml").read_text())
    jaeger = yaml.safe_load((WATCHING / "jaeger.yaml").read_text())
    told = {
        "collector": port_of(collector["extensions"]["health_check"]["endpoint"])[1],
        "jaeger": port_of(jaeger["extensions"]["healthcheckv2"]["http"]["endpoint"])[1],
    }
    for name, port in told.items():
        assert f":{port}/" in SERVICES[name]["healthcheck"]["test"][-1], name


def test_what_is_kept_is_bounded() -> None:
    options = " ".join(SERVICES["prometheus"]["command"])
    assert "--storage.tsdb.retention.time=" in options
    assert "--storage.tsdb.retention.size=" in options
    jaeger = yaml.safe_load((WATCHING / "jaeger.yaml").read_text())
    assert jaeger["extensions"]["jaeger_storage"]["backends"]["memory"]["memory"]["max_traces"] > 0
    # The collector refuses before it is killed.
    collector = yaml.safe_load((WATCHING / "collector.yaml").read_text())
    limit = int(SERVICES["collector"]["deploy"]["resources"]["limits"]["memory"]) >> 20
    assert collector["processors"]["memory_limiter"]["limit_mib"] < limit
    assert all("memory_limiter" in one["processors"] for one in collector["service"]["pipelines"].values())


def test_exemplars_are_kept() -> None:
    assert "--enable-feature=exemplar-storage" in SERVICES["prometheus"]["command"]
    settings = yaml.safe_load((WATCHING / "prometheus/prometheus.yml").read_text())
    assert settings["storage"]["exemplars"]["max_exemplars"] > 0


def test_whoever_looks_at_dashboards_may_only_look() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == environment["GF_AUTH_ANONYMOUS_ENABLED"] == "true"


def test_grafana_finds_what_is_provisioned() -> None:
    mounted = {volume["target"]: volume["source"] for volume in SERVICES["grafana"]["volumes"]}
    providers = yaml.safe_load((WATCHING / "grafana/provisioning/dashboards/arena.yaml").read_text())["providers"]
    paths = {one["options"]["path"] for one in providers}
    assert {Path(mounted[path]).name for path in paths} == {"dashboards", "runbooks"}
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (Path(mounted[str(home.parent)]) / home.name).exists()
    named = set(
        re.findall(r"(?<!\$)\$\{(\w+)\}", (WATCHING / "grafana/provisioning/datasources/arena.yaml").read_text())
    )
    assert named <= set(SERVICES["grafana"]["environment"])


def test_prometheus_finds_its_rules() -> None:
    mounted = {volume["target"]: volume["source"] for volume in SERVICES["prometheus"]["volumes"]}
    settings = yaml.safe_load((WATCHING / "prometheus/prometheus.yml").read_text())
    (rules,) = settings["rule_files"]
    folder, _, pattern = rules.rpartition("/")
    assert len(list(Path(mounted[folder]).glob(pattern))) >= 3
    named = set(re.findall(r"\$\{(\w+)\}", (WATCHING / "prometheus/prometheus.yml").read_text()))
    assert named <= set(SERVICES["prometheus"]["environment"])
