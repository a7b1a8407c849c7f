"""Where the five services are: said, in the environment, in a file left by the local stack, or by default."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from dearena.faults import InvalidField

ENDPOINTS_FILE: Final = Path(".dearena") / "endpoints.json"
"""Looked for in the working directory and those above it. `DEARENA_ENDPOINTS` names another file."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """gRPC targets (host:port) of the services, and the URL of the sparring models if there are any.

    In the environment each is `DEARENA_{NAME}_ADDRESS`, as the services themselves read it; in the file
    each is a member of one JSON object, by its name.
    """

    gateway: str = "127.0.0.1:50051"
    query_selector: str = "127.0.0.1:50052"
    ranker: str = "127.0.0.1:50053"
    judge_dispatcher: str = "127.0.0.1:50054"
    scorer: str = "127.0.0.1:50055"
    sparring: str = ""

    @classmethod
    def find(cls, *, environment: Mapping[str, str] | None = None, directory: Path | None = None) -> "Addresses":
        """The addresses in force here: each from the environment, else the file, else the default.

        Raises:
            InvalidField: the file cannot be read as what it should be.
        """
        environment = os.environ if environment is None else environment
        found = cls()
        if path := _file(environment, directory or Path.cwd()):
            found = replace(found, **_read(path))
        said = {name: environment.get(f"DEARENA_{name.upper()}_ADDRESS", "") for name in _NAMES}
        return replace(found, **{name: address for name, address in said.items() if address})


_NAMES: Final = tuple(field.name for field in fields(Addresses))


def _file(environment: Mapping[str, str], directory: Path) -> Path | None:
    if named := environment.get("DEARENA_ENDPOINTS"):
        return Path(named)
    return next((path for place in (directory, *directory.parents) if (path := place / ENDPOINTS_FILE).is_file()), None)


def _read(path: Path) -> dict[str, str]:
    try:
        members: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidField.of(str(path), f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidField.of(str(path), f"is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise InvalidField.of(str(path), "must hold one JSON object of addresses by service")
    known = {name: members[name] for name in _NAMES if name in members}
    for name, address in known.items():
        if not isinstance(address, str):
            raise InvalidField.of(str(path), f"{name} must be a string")
    return known
