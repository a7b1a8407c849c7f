"""Names and ids in requests: read, or refused with the field that holds them."""

from collections.abc import Callable
from typing import Final, TypeVar

from dearena.faults import FieldViolation, InvalidField
from dearena.names import DimensionName, InvalidName, ModelName, Revision, check_slug, parse_project

Name = TypeVar("Name")

LONGEST_REQUEST_ID: Final = 128


def request_id_violations(request_id: str) -> list[FieldViolation]:
    """What is wrong with the id of a request: it is too long. An empty one stands for none."""
    if len(request_id) <= LONGEST_REQUEST_ID:
        return []
    return [FieldViolation("request_id", f"must have at most {LONGEST_REQUEST_ID} characters")]


def check_request_id(request_id: str) -> None:
    """Raises InvalidField where something is wrong with it."""
    for one in request_id_violations(request_id):
        raise InvalidField.of(one.field, one.description)


def scoped_request_id(project: str, method: str, request_id: str) -> str:
    """The id that results are kept under, so that projects and methods do not meet; empty where there is none.

    Raises:
        InvalidField: it is too long.
    """
    check_request_id(request_id)
    return request_id and f"{project}/{method}/{request_id}"


def project_of_parent(field: str, parent: str) -> str:
    """Read `projects/{project}`; raises InvalidField."""
    return _read(parse_project, field, parent)


def project_slug(field: str, project: str) -> str:
    """Read a project's slug; raises InvalidField."""
    return _read(check_slug, field, project)


def model_name(field: str, name: str) -> ModelName:
    """Read `projects/{project}/models/{slug}`; raises InvalidField."""
    return _read(ModelName.parse, field, name)


def model_revision(field: str, revision: str) -> Revision:
    """Read `slug@n`; raises InvalidField."""
    return _read(Revision.parse, field, revision)


def dimension_name(field: str, name: str) -> DimensionName:
    """Read `projects/{project}/dimensions/{slug}`; raises InvalidField."""
    return _read(DimensionName.parse, field, name)


def dimension_slug(project: str, dimension: str) -> str:
    """Of a dimension by its slug, or by its resource name in the same project; raises InvalidField."""
    if "/" not in dimension:
        return dimension
    name = dimension_name("dimension", dimension)
    if name.project != project:
        raise InvalidField.of("dimension", f"must be of project {project}")
    return name.slug


def _read(parse: Callable[[str], Name], field: str, text: str) -> Name:
    try:
        return parse(text)
    except InvalidName as error:
        raise InvalidField.of(field, str(error)) from error
