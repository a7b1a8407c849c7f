"""Which worlds a sparring server serves, from a YAML file.

worlds:
  economy:                  # the name in the URL: /economy/v1
    kind: planted
    seed: 0
    tie_rate: 0.1           # and every other field of PlantedWorld
  replay:
    kind: recorded
    folder: ../recordings   # relative to this file
  broken:
    kind: faulty
  persuadable:
    kind: gullible
    rate: 0.6               # and every other field of GullibleWorld
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dearena.names import SLUG
from dearena.sparring import records
from dearena.sparring.calls import World
from dearena.sparring.faulty import FaultyWorld
from dearena.sparring.gullible import GullibleWorld
from dearena.sparring.planted import Character, PlantedWorld


class BrokenWorlds(ValueError):
    """A description of worlds that cannot be served; says where and why."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlantedSettings(_Settings):
    """A `PlantedWorld`, field by field; what they mean stands there."""

    kind: Literal["planted"]
    seed: int
    tie_rate: float = 0.0
    tie_flip_rate: float = 0.0
    unreadable_rate: float = 0.0
    judge_refusal_rate: float = 0.0
    answer_refusal_rate: float = 0.0
    failure_rate: float = 0.0
    delay_seconds: float = 0.0
    first_seat_mean: float = 0.0
    first_seat_sd: float = 0.0
    hostile_rate: float = 0.0
    hostile: Character = Character.HONEST
    characters: dict[str, Character] = {}
    favourite: str = ""
    log_discrimination_sd: float = 0.0
    dead_rate: float = 0.0
    mislabelled_rate: float = 0.0

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.world(Path())
        return self

    def world(self, _beside: Path) -> World:
        """Plant it."""
        return PlantedWorld(**self.model_dump(exclude={"kind"}))


class RecordedSettings(_Settings):
    """A folder of recorded answers and votes, relative to the file that names it."""

    kind: Literal["recorded"]
    folder: Path

    def world(self, beside: Path) -> World:
        """Load it; raises records.BrokenRecord."""
        return records.load(beside / self.folder)


class FaultySettings(_Settings):
    """Misbehaving endpoints, and the key that `locked` opens to."""

    kind: Literal["faulty"]
    key: str = FaultyWorld.key
    seed: int = FaultyWorld.seed

    def world(self, _beside: Path) -> World:
        """Set it up."""
        return FaultyWorld(key=self.key, seed=self.seed)


class GullibleSettings(_Settings):
    """A `GullibleWorld`, field by field."""

    kind: Literal["gullible"]
    seed: int = GullibleWorld.seed
    rate: float = GullibleWorld.rate
    slip_rate: float = GullibleWorld.slip_rate
    unreadable_rate: float = GullibleWorld.unreadable_rate

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.world(Path())
        return self

    def world(self, _beside: Path) -> World:
        """Plant it."""
        return GullibleWorld(**self.model_dump(exclude={"kind"}))


class WorldsSettings(_Settings):
    """The file as a whole."""

    worlds: dict[
        Annotated[str, Field(pattern=f"^{SLUG.pattern}$")],
        Annotated[PlantedSettings | RecordedSettings | FaultySettings | GullibleSettings, Field(discriminator="kind")],
    ] = Field(min_length=1)


def load(path: Path) -> dict[str, World]:
    """The worlds of a YAML file.

    Raises:
        BrokenWorlds: the file cannot be read, or describes no world; every fault is named.
    """
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BrokenWorlds(f"{path}: {error}") from error
    return build(described, beside=path.parent, source=str(path))


def build(described: Mapping[str, Any] | None, *, beside: Path, source: str = "worlds") -> dict[str, World]:
    """The worlds described as in the file; folders are relative to `beside`.

    Raises:
        BrokenWorlds: likewise.
    """
    try:
        settings = WorldsSettings.model_validate(described)
        return {name: world.world(beside) for name, world in settings.worlds.items()}
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BrokenWorlds(f"{source}: {faults}") from error
    except records.BrokenRecord as error:
        raise BrokenWorlds(f"{source}: {error}") from error
