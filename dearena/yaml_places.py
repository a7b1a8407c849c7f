"""A YAML file that knows at which line and column everything stands.

The file may be anybody's: it is bounded in size, and in what it becomes once its aliases are followed, before
anything is made of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from dearena.faults import FieldViolation, InvalidField

Place = tuple[int | str, ...]
"""Such as ("models", 1, "endpoint", "base_url")."""

LARGEST_FILE: Final = 1024 * 1024
"""Bytes; a hundred thousand models need other means."""
LARGEST_CONTENT: Final = 100_000
"""Values, each counted as often as aliases lead to it: more is a bomb, or no file for people."""


class YamlPlaces:
    """The content of a file, and where it stands."""

    def __init__(self, name: str, content: bytes) -> None:
        """Raises InvalidField when it is too large, is not YAML, says a key twice, or holds itself."""
        self.name = name
        if len(content) > LARGEST_FILE:
            raise fault([FieldViolation(name, f"has more than {LARGEST_FILE:,} bytes")])
        try:
            loader = yaml.SafeLoader(content)
            self._root: yaml.Node | None = loader.get_single_node()
            if self._root is not None:
                self._refuse_bombs(self._root)
                if twice := list(self._said_twice(self._root, set())):
                    raise fault(twice)
            # From here on the nodes hold what they merge, before what they say themselves.
            self.data: Any = None if self._root is None else loader.construct_document(self._root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise fault([FieldViolation(self._mark(mark), f"is not YAML: {error.problem or error.context}")]) from error
        except (yaml.YAMLError, ValueError, TypeError) as error:
            raise fault([FieldViolation(name, f"is not YAML: {error}")]) from error
        except RecursionError as error:
            raise fault([FieldViolation(name, "is nested too deeply")]) from error

    def violation(self, place: Place, description: str) -> FieldViolation:
        """What is wrong at a place; with the line and column of the innermost part of it that is there."""
        return FieldViolation(
            self._mark(self._found(place)), f"{shown(place)}: {description}" if place else description
        )

    def text(self, place: Place) -> str | None:
        """A value as it is written, so that a number keeps all its digits; None for what is not one value."""
        node = self._node(place)
        return node.value if isinstance(node, yaml.ScalarNode) else None

    def _found(self, place: Place) -> yaml.Mark | None:
        """Of a field with one value, that value; of others, and of unknown ones, the field's name."""
        node = self._root
        mark = node.start_mark if node else None
        for part in place:
            match node, part:
                case yaml.SequenceNode(value=entries), int() if part < len(entries):
                    node = entries[part]
                    mark = node.start_mark
                case yaml.MappingNode(value=pairs), str():
                    # What a mapping says itself stands after what it merges, and goes before it.
                    found = next((pair for pair in reversed(pairs) if pair[0].value == part), None)
                    if found is None:
                        break
                    key, node = found
                    mark = node.start_mark if isinstance(node, yaml.ScalarNode) else key.start_mark
                case _:
                    break
        return mark

    def key(self, place: Place, description: str) -> FieldViolation:
        """What is wrong with a field's name, wherever its value stands."""
        node = self._node(place[:-1])
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        mark = next((key.start_mark for key, _ in reversed(pairs) if key.value == place[-1]), self._found(place))
        return FieldViolation(self._mark(mark), f"{shown(place)}: {description}")

    def _node(self, place: Place) -> yaml.Node | None:
        node = self._root
        for part in place:
            match node, part:
                case yaml.SequenceNode(value=entries), int() if part < len(entries):
                    node = entries[part]
                case yaml.MappingNode(value=pairs), str():
                    node = next((value for key, value in reversed(pairs) if key.value == part), None)
                case _:
                    return None
        return node

    def _mark(self, mark: yaml.Mark | None) -> str:
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}" if mark else f"{self.name}:1:1"

    def _refuse_bombs(self, root: yaml.Node) -> None:
        sizes: dict[int, int] = {}
        within: set[int] = set()

        def size(node: yaml.Node) -> int:
            """Values in a node, counted once for each way to them."""
            if id(node) in within:
                raise fault([FieldViolation(self._mark(node.start_mark), "holds itself")])
            if id(node) not in sizes:
                within.add(id(node))
                sizes[id(node)] = 1 + sum(size(child) for child in _children(node))
                within.remove(id(node))
            return sizes[id(node)]

        if size(root) > LARGEST_CONTENT:
            raise fault(
                [FieldViolation(self.name, f"holds more than {LARGEST_CONTENT:,} values once aliases are followed")]
            )

    def _said_twice(self, node: yaml.Node, seen: set[int]) -> Iterator[FieldViolation]:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            said: set[tuple[str, str]] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if (key.tag, key.value) in said:
                        yield FieldViolation(self._mark(key.start_mark), f"{key.value!r} is said twice")
                    said.add((key.tag, key.value))
        for child in _children(node):
            yield from self._said_twice(child, seen)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    match node:
        case yaml.MappingNode(value=pairs):
            for pair in pairs:
                yield from pair
        case yaml.SequenceNode(value=entries):
            yield from entries


def shown(place: Place) -> str:
    """`models[1].endpoint.base_url`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def read(path: Path) -> YamlPlaces:
    """A file; no more of it is read than is allowed. Raises as YamlPlaces does, and OSError."""
    with path.open("rb") as file:
        return YamlPlaces(path.name, file.read(LARGEST_FILE + 1))


def fault(violations: Sequence[FieldViolation]) -> InvalidField:
    """All violations in one fault, in the order of the file; the message of several tells how many there are."""
    ordered = sorted(violations, key=_line_and_column)
    message = "; ".join(f"{one.field}: {one.description}" for one in ordered[:1])
    return InvalidField(message if len(ordered) == 1 else f"{len(ordered)} things are wrong", ordered)


def _line_and_column(violation: FieldViolation) -> tuple[int, ...]:
    return tuple(int(part) for part in violation.field.split(":")[1:] if part.isdigit())
