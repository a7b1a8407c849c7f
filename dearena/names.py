"""How things are called: projects, models, dimensions, and the revisions of a model.

Resource names are `projects/{project}/models/{slug}` and `projects/{project}/dimensions/{slug}`;
a revision is `slug@n`. Pure.
"""

import re
from dataclasses import dataclass
from typing import Self

DEFAULT_PROJECT = "default"
SLUG = re.compile(r"[a-z0-9-]{1,63}")


class InvalidName(ValueError):
    """A name that does not have the form it must have; says which form that is."""


def check_slug(slug: str) -> str:
    """Return `slug` unchanged, or raise InvalidName."""
    if not SLUG.fullmatch(slug):
        raise InvalidName(f"{slug!r} is not a slug: 1 to 63 of a-z, 0-9 and '-'")
    return slug


def slug_of(text: str) -> str:
    """The nearest slug to a free display name, for example 'GPT-5.4' -> 'gpt-5-4'.

    Raises:
        InvalidName: nothing of the text can stand in a slug.
    """
    return check_slug(re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-"))


def _parts(name: str, collection: str) -> tuple[str, str]:
    match name.split("/"):
        case ["projects", project, found, slug] if found == collection:
            return check_slug(project), check_slug(slug)
    raise InvalidName(f"{name!r} is not of the form projects/{{project}}/{collection}/{{slug}}")


@dataclass(frozen=True, slots=True, order=True)
class ModelName:
    """A model, whatever its revision."""

    project: str
    slug: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read `projects/{project}/models/{slug}`; raises InvalidName."""
        return cls(*_parts(name, "models"))

    def __str__(self) -> str:
        return f"projects/{self.project}/models/{self.slug}"


@dataclass(frozen=True, slots=True, order=True)
class DimensionName:
    """A dimension, whatever its version."""

    project: str
    slug: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read `projects/{project}/dimensions/{slug}`; raises InvalidName."""
        return cls(*_parts(name, "dimensions"))

    def __str__(self) -> str:
        return f"projects/{self.project}/dimensions/{self.slug}"


def parse_project(parent: str) -> str:
    """Read `projects/{project}` and return the project; raises InvalidName."""
    match parent.split("/"):
        case ["projects", project]:
            return check_slug(project)
    raise InvalidName(f"{parent!r} is not of the form projects/{{project}}")


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """A model as it answered or judged: sorted by slug, then number."""

    slug: str
    number: int

    @classmethod
    def parse(cls, revision: str) -> Self:
        """Read `slug@n`; raises InvalidName."""
        slug, at, number = revision.partition("@")
        if not at or not number.isascii() or not number.isdigit() or number.startswith("0"):
            raise InvalidName(f"{revision!r} is not a revision: slug@n with n >= 1")
        return cls(check_slug(slug), int(number))

    def __str__(self) -> str:
        return f"{self.slug}@{self.number}"


def canonical_pair(one: str, other: str) -> tuple[str, str]:
    """Two revisions in slug order: (model_a, model_b).

    Raises:
        InvalidName: one of them is not a revision.
        ValueError: both are the same.
    """
    if one == other:
        raise ValueError(f"{one} cannot be compared with itself")
    first, second = sorted((Revision.parse(one), Revision.parse(other)))
    return str(first), str(second)
