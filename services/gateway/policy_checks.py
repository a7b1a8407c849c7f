"""What the operator's settings say of a model before it is stored. Pure.

A model that was stored under other settings is refused at its calls.
"""

from collections.abc import Iterator

from dearena.faults import FieldViolation, InvalidField
from services.gateway.key_references import KeyReference, KeyRefused, KeyRing
from services.gateway.models import Endpoint, ModelSpec
from services.gateway.reach import Reach, RefusedByPolicy, host_of


def check_policy(reach: Reach, keys: KeyRing, spec: ModelSpec) -> None:
    """Raises InvalidField with all violations; each says which setting would let it.

    Args:
        reach: where calls may go.
        keys: where keys may be taken from, and sent to.
        spec: one that `check_spec` takes.
    """
    violations = list(_violations(reach, keys, spec.endpoint))
    if violations:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)


def _violations(reach: Reach, keys: KeyRing, endpoint: Endpoint) -> Iterator[FieldViolation]:
    try:
        reach.check_url(endpoint.base_url)
    except RefusedByPolicy as refusal:
        yield FieldViolation("model.endpoint.base_url", str(refusal))
    if endpoint.key_reference:
        try:
            keys.check(KeyReference.parse(endpoint.key_reference), host_of(endpoint.base_url))
        except KeyRefused as refusal:
            yield FieldViolation("model.endpoint.key_reference", str(refusal))
