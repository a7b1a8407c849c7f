"""What is wrong with an arena file, in words: what is wrong, and what is allowed. Values are never repeated. Pure."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from dearena.faults import FieldViolation
from dearena.yaml_places import Place, YamlPlaces

_KEY_WORDS: Final = ("key", "token", "secret", "password")
_REFERENCE: Final = "key_reference"

_SAID: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "must be text; what looks like a number, a date or a yes must be put in quotes",
    "string_pattern_mismatch": "must be of the form {pattern}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "decimal_type": "must be a number such as 0.15, in units of the currency",
    "decimal_parsing": "must be a number such as 0.15, in units of the currency",
    "greater_than": "must be above {gt:,}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than": "must be below {lt:,}",
    "less_than_equal": "must be at most {le:,}",
    "literal_error": "must be one of {expected}",
    "too_long": "must be at most {max_length:,}",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_too_short": "must not be empty",
    "model_type": "must be fields and their values (`name: value`)",
    "dict_type": "must be names and their values (`name: value`)",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "path_type": "must be the path of a file",
}


def violations(document: YamlPlaces, model: type[BaseModel], errors: list[ErrorDetails]) -> Iterator[FieldViolation]:
    """What pydantic found, at its places in the file."""
    for error in errors:
        place: Place = error["loc"]
        if error["type"] == "extra_forbidden":
            yield document.key(place, _unknown(str(place[-1]), fields_at(model, place[:-1])))
        else:
            yield document.violation(place, _told(error))


def _told(error: ErrorDetails) -> str:
    if said := _SAID.get(error["type"]):
        return said.format_map(error.get("ctx", {}))
    message = error["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"


def _unknown(name: str, allowed: list[str]) -> str:
    """Names the nearest field where one is near, and else all that there are."""
    if _REFERENCE in allowed and any(word in name.lower() for word in _KEY_WORDS):
        return f"is no field; say where the key is by `{_REFERENCE}`, never the key"
    if near := get_close_matches(name, allowed, n=1):
        return f"is no field; is it `{near[0]}`?"
    return f"is no field; there are: {', '.join(allowed)}"


def fields_at(model: type[BaseModel], place: Place) -> list[str]:
    """Fields that are known at a place."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _entry_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _entry_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _entry_in(part))), None)


def not_a_truth(value: object) -> object:
    """Refuses yes and no where a number is due: YAML has them, and Python takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic hears of values by this
    return value
