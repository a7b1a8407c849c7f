"""What the operations pages tell people to type, open and set is there: commands, targets, files, variables, links."""

import functools
import importlib
import importlib.util
import pkgutil
import re

import pytest
import typer
import yaml
from pydantic_settings import BaseSettings

import services
from dearena.cli.app import app
from tests.fixtures import pages
from tests.fixtures.pages import ROOT, Page

OPERATIONS = ROOT / "docs" / "operations"
PAGES = [pages.read(path) for path in sorted(OPERATIONS.rglob("*.md"))]
ARENA = typer.main.get_command(app)
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_there_are_the_pages_that_operators_were_promised() -> None:
    names = {page.path.name for page in PAGES}
    assert names >= {
        "README.md",
        "install.md",
        "upgrade.md",
        "scale.md",
        "back-up.md",
        "rotate-keys.md",
        "add-a-provider.md",
        "sizes-and-costs.md",
    }
    index = pages.read(OPERATIONS / "README.md")
    assert {name for name in names if (OPERATIONS / name).exists()} - {"README.md"} <= index.links()
    assert sum(pages.arena_words(command) is not None for page in PAGES for command in page.commands()) >= 20


@of_each_page
def test_commands_of_ours_are_understood(page: Page) -> None:
    for command in page.commands():
        if (words := pages.arena_words(command)) is not None:
            assert pages.wrong_with(ARENA, words) == "", command


@of_each_page
def test_commands_in_the_text_are_there(page: Page) -> None:
    """In running text they may be cut short, so that only what is said is looked at."""
    for span in page.spans():
        for command in pages.commands_of(span):
            words = pages.arena_words(command)
            if words is not None:
                wrong = pages.wrong_with(ARENA, words)
                assert not wrong or re.search(r" needs \w+$", wrong), f"{span}: {wrong}"


@of_each_page
def test_make_knows_its_targets(page: Page) -> None:
    targets = set(re.findall(r"^([a-z-]+)(?= [a-z-]*:|:)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= {
        word
        for line in re.findall(r"^([a-z][a-z -]*):(?: |$)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for word in line.split()
    }
    asked = [command for code in page.code() for line in code.splitlines() for command in pages.commands_of(line)]
    for command in asked:
        if command[0] == "make":
            named = {word for word in command[1:] if "=" not in word and not word.startswith("-")}
            assert named, command
            assert named <= targets, command


@of_each_page
def test_modules_that_are_run_are_there(page: Page) -> None:
    for module in re.findall(r"-m ((?:services|dearena|benchmarks)[\w.]*)", "\n".join(page.code())):
        found = importlib.util.find_spec(module)
        assert found is not None, module
        assert found.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__"), module


@of_each_page
def test_compose_knows_its_services_and_profiles(page: Page) -> None:
    profiles = {profile for service in COMPOSE["services"].values() for profile in service.get("profiles", ())}
    in_text = (command for span in page.spans() for command in pages.commands_of(span))
    for command in (*page.commands(), *in_text):
        while command and re.match(r"[A-Z_]+=", command[0]):
            del command[0]
        if command[:2] != ["docker", "compose"]:
            continue
        for at, word in enumerate(command):
            if word == "--profile":
                assert command[at + 1] in profiles, command
        verbs = [
            at for at, word in enumerate(command) if word in {"run", "exec", "restart", "stop", "logs", "kill", "start"}
        ]
        if verbs:
            named = next(word for word in command[verbs[0] + 1 :] if not word.startswith("-"))
            assert named in COMPOSE["services"], command


@of_each_page
def test_files_that_are_named_are_there(page: Page) -> None:
    for path in page.paths():
        assert (ROOT / path).exists(), path


@of_each_page
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links():
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        if anchor:
            assert anchor in pages.read(target).anchors(), link


@of_each_page
def test_variables_are_settings(page: Page) -> None:
    known = _variables()
    for name in page.variables():
        assert name in known or (name.endswith("_") and any(one.startswith(name) for one in known)), name


@functools.cache
def _variables() -> frozenset[str]:
    """Of every settings class of the services, of what people run, and of compose."""
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {name for settings in _below(BaseSettings) for name in _names(settings)}
    ours = [*sorted((ROOT / "dearena").rglob("*.py")), ROOT / "docker-compose.yml"]
    for path in ours:
        found |= pages.read(path).variables()
    return frozenset(found)


def _below(settings: type[BaseSettings]) -> list[type[BaseSettings]]:
    return [one for child in settings.__subclasses__() for one in (child, *_below(child))]


def _names(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    return {
        str(field.validation_alias) if field.validation_alias else f"{prefix}{name}".upper()
        for name, field in settings.model_fields.items()
    }


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("dearena leaderbord algebra", "no command"),
        ("dearena leaderboard algebra --no-such-thing", "no-such-thing"),
        ("dearena leaderboard", "needs"),
        ("dearena dimension create x pool.jsonl -k 4 --seats three", "none of"),
        ("docker compose run --rm cli budget set", "needs"),
        ("kubectl exec x -- python -m dearena.cli audit", "needs"),
    ],
)
def test_a_wrong_command_is_found(text: str, wrong: str) -> None:
    (command,) = pages.commands_of(text)
    words = pages.arena_words(command)
    assert words is not None
    assert wrong in pages.wrong_with(ARENA, words)


def test_what_a_page_names_is_found_on_it() -> None:
    page = Page(
        ROOT / "docs" / "x.md",
        "# A b: c\n[l](y.md#z) [out](https://example.com)\n`deploy/none.yaml` DEARENA_NONE\n"
        "```\nFOO=1 .venv/bin/dearena models \\\n  --all | jq .  # why\nmake up && make $(dearena quote a)\n```\n",
    )
    assert list(page.commands()) == [
        ["FOO=1", ".venv/bin/dearena", "models", "--all"],
        ["jq", "."],
        ["dearena", "quote", "a"],
        ["make", "up"],
        ["make", "SUBSTITUTED"],
    ]
    assert page.paths() == {"deploy/none.yaml"}
    assert page.variables() == {"DEARENA_NONE"}
    assert page.links() == {"y.md#z"}
    assert page.anchors() == {"a-b-c"}
