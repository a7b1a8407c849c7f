"""What `docker-compose.yml` sets is there to be set, and what it names is there to be read.

That the file itself is sound is checked by `make check`, with Compose's own reader.
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from dearena import yaml_places
from dearena.client.addresses import Addresses
from services.gateway.money.price_file import PriceFile
from services.runtime.settings import ServiceSettings

ROOT = Path(__file__).parents[3]
# A key that is said twice is a fault, as it is to Compose.
COMPOSE: dict[str, Any] = yaml_places.read(ROOT / "docker-compose.yml").data
SERVICES: dict[str, Any] = COMPOSE["services"]

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def filled(text: str) -> str:
    """A value where nobody has set a variable of their own."""
    return _VARIABLE.sub(lambda found: found[2] or "", str(text))


def settings_of(module: str) -> type[BaseSettings] | None:
    """The settings class of a service; None for a module without one."""
    try:
        found = importlib.import_module(f"{module}.settings")
    except ModuleNotFoundError:
        return None
    (settings,) = (
        one
        for one in vars(found).values()
        if isinstance(one, type) and issubclass(one, BaseSettings) and one.__module__ == found.__name__
    )
    return settings


def variables_of(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    return {str(field.validation_alias or f"{prefix}{name.upper()}") for name, field in settings.model_fields.items()}


SHARED = variables_of(ServiceSettings)
"""Every container is told these, whether or not it asks."""
PROGRAMS = {
    name: settings
    for name, service in SERVICES.items()
    if "services." in str(service.get("command")) and (settings := settings_of(service["command"][0])) is not None
}


def environment_of(name: str) -> dict[str, str]:
    return {variable: filled(value) for variable, value in SERVICES[name].get("environment", {}).items()}


def mounts_of(name: str) -> Iterator[tuple[str, str, str]]:
    """Source, target and mode."""
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = filled(mount).split(":")
        yield source, target, "".join(mode)


def test_every_service_of_ours_is_looked_at() -> None:
    rooms = {path.parent.name for path in ROOT.glob("services/*/settings.py")} - {"runtime"}
    assert {name.replace("-", "_") for name in PROGRAMS} == rooms


def read_elsewhere(name: str) -> set[str]:
    """Variables that something else than settings reads: the command line, or files of a vendor's program."""
    if name == "cli":
        return {
            variable
            for path in (ROOT / "dearena" / "cli").glob("*.py")
            for variable in re.findall(r'envvar="(DEARENA_\w+)"', path.read_text("utf-8"))
        }
    return {
        variable
        for source, _, _ in mounts_of(name)
        for path in (ROOT / source, *(ROOT / source).rglob("*"))
        if source.startswith("./") and path.is_file()
        for variable in re.findall(r"\bDEARENA_\w+", path.read_text("utf-8"))
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_a_setting(name: str) -> None:
    said = {variable for variable in environment_of(name) if variable.startswith("DEARENA_")}
    if name in PROGRAMS:
        known = SHARED | variables_of(PROGRAMS[name])
    else:
        ours = str(SERVICES[name].get("image", "")).startswith("dearena:")
        known = read_elsewhere(name) | (SHARED if ours else set())
    assert said - known == set()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_values_are_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment_of(name).items():
        monkeypatch.setenv(variable, value)
    settings = PROGRAMS[name]()
    for field in type(settings).model_fields:
        if (said := environment_of(name).get(f"DEARENA_{field.upper()}")) and field != "log_level":
            assert str(getattr(settings, field)) == said


def test_clients_find_the_services_by_the_same_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Addresses.find(environment=environment_of("cli"))
    assert found.gateway == "dns:///gateway:50051"
    assert found.judge_dispatcher == "dns:///judge-dispatcher:50054"


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_file_that_is_named_lies_in_a_folder_that_is_mounted_to_be_read_only(name: str) -> None:
    mounted = {target: mode for _, target, mode in mounts_of(name)}
    for variable, value in environment_of(name).items():
        if variable.endswith(("_FILE", "_DIRECTORY")) and value:
            assert mounted[f"/{value.split('/')[1]}"] == "ro", variable


def test_the_gateway_starts_with_the_files_as_they_are_here() -> None:
    (source,) = [source for source, target, _ in mounts_of("gateway") if target == "/gateway"]
    environment = environment_of("gateway")
    here = {
        name: ROOT / source / Path(environment[f"DEARENA_{name}"]).relative_to("/gateway")
        for name in ("PRICE_FILE", "KEY_DIRECTORY")
    }
    assert len(PriceFile(str(here["PRICE_FILE"])).prices.prices) == 0
    assert here["KEY_DIRECTORY"].is_dir()


def test_no_key_is_taken_into_the_project_or_the_image() -> None:
    ignored = (ROOT / "deploy" / "gateway" / "keys" / ".gitignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    kept = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!deploy")]
    assert kept == ["!deploy/nats"]
