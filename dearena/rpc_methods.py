"""What the name of a gRPC method says of it, and which methods are tried again."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

_READS: Final = ("Get", "List", "Diff", "Explain", "Summarize", "Score", "Preview")
"""How the names of calls begin that change nothing."""

_AGAIN: Final = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    # A server that stops ends those with CANCELLED that it has received and not yet begun.
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}


def reads(method: str) -> bool:
    """Whether a method, by its own name without that of its service, changes nothing and may be called again."""
    return method.startswith(_READS)


def service_config(
    services: Iterable[ServiceDescriptor], is_harmless_again: Callable[[MethodDescriptor], bool], **more: Any
) -> str:
    """A gRPC service config that tries again, for about a second, what is harmless when repeated.

    So long a service takes to be replaced by another. There is no timeout in it: that of a config ends calls early.

    Args:
        services: all that a channel leads to.
        is_harmless_again: whether a call may be made twice.
        more: other fields of the config.
    """
    names = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if is_harmless_again(method)
    ]
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": _AGAIN}], **more})
