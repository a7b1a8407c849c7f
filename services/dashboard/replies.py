"""What a browser is told: JSON, faults as one sentence, and the headers that every reply carries."""

import json
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiohttp import web

from dearena.faults import ArenaFault, InvalidField
from dearena.names import InvalidName

log = structlog.get_logger(__name__)

_HTTP_STATUS: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "FAILED_PRECONDITION": 409,
    "UNAVAILABLE": 503,
}
"""HTTP status of a fault, by the gRPC status it maps to; 502 for what else a service says."""

_COMPRESS_ASIDE_BYTES: Final = 64 * 1024
"""Larger bodies are compressed in a thread: the matrices of many models."""

HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def as_json(value: Any) -> str:
    """One line of JSON.

    Raises:
        ValueError: a number in it is NaN or infinite, which JSON does not have.
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def json_reply(value: Any, status: int = 200) -> web.Response:
    """A JSON body, compressed for whoever can read that."""
    reply = web.Response(
        text=as_json(value), status=status, content_type="application/json", zlib_executor_size=_COMPRESS_ASIDE_BYTES
    )
    reply.enable_compression()
    return reply


def told(error: Exception) -> tuple[int, dict[str, Any]]:
    """HTTP status and JSON body of what went wrong; a defect of ours is logged here and told to nobody."""
    match error:
        case ArenaFault():
            return _fault(_HTTP_STATUS.get(error.status, 502), error.reason, str(error))
        case InvalidName():
            return _fault(400, InvalidField.reason, str(error))
        case web.HTTPException():
            return _fault(error.status, "HTTP", error.reason)
    log.error("request failed", exc_info=error)
    return _fault(500, "INTERNAL", "internal error; the dashboard's log says more")


def _fault(status: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"fault": {"status": status, "reason": reason, "message": message}}


@web.middleware
async def faults_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    """Every fault has the same shape, whatever it comes from."""
    try:
        reply: web.StreamResponse = await handler(request)
    except Exception as error:  # noqa: BLE001 - the one table from error to reply
        status, body = told(error)
        reply = json_reply(body, status)
        if isinstance(error, web.HTTPMethodNotAllowed):
            reply.headers["Allow"] = ",".join(sorted(error.allowed_methods))
    return reply
