"""Faults across gRPC: how they stand in a status, and how a client reads them back."""

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from dearena import faults

DOMAIN = "dearena"

_BY_REASON: dict[str, type[faults.ArenaFault]] = {
    fault.reason: fault
    for fault in vars(faults).values()
    if isinstance(fault, type) and issubclass(fault, faults.ArenaFault)
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

_OF_THE_WAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
"""Codes that say nothing of the request itself."""

DETAILS_KEY = "grpc-status-details-bin"


def status_of(fault: faults.ArenaFault) -> status_pb2.Status:
    """The google.rpc.Status of a fault, with ErrorInfo and, for bad fields, BadRequest."""
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN, metadata=fault.metadata))
    if fault.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in fault.violations
        ]
        details.append(any_pb2.Any())
        details[1].Pack(error_details_pb2.BadRequest(field_violations=violations))
    return status_pb2.Status(code=code_pb2.Code.Value(fault.status), message=str(fault), details=details)


def code_of(fault: faults.ArenaFault) -> grpc.StatusCode:
    """The gRPC status code of a fault."""
    return _CODES[code_pb2.Code.Value(fault.status)]


def fault_of(error: grpc.RpcError) -> faults.ArenaFault:
    """The fault that a failed call tells of.

    A status that no service of the arena wrote (no connection, a deadline, a server that stopped) becomes
    ServiceUnavailable, or a plain ArenaFault with its message.
    """
    code = error.code() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else grpc.StatusCode.UNKNOWN
    message = (error.details() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else None) or str(code)
    reason = ""
    metadata: dict[str, str] = {}
    violations: list[faults.FieldViolation] = []
    for detail in _details_of(error):
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(info) and info.domain == DOMAIN:
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations = [faults.FieldViolation(one.field, one.description) for one in bad.field_violations]
    if reason in _BY_REASON:
        return _BY_REASON[reason](message, violations, metadata)
    if code in _OF_THE_WAY:
        return faults.ServiceUnavailable(f"a service of the arena cannot be reached: {message}")
    return faults.ArenaFault(message, violations)


def _details_of(error: grpc.RpcError) -> list[any_pb2.Any]:
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return []
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            status = status_pb2.Status()
            status.ParseFromString(value if isinstance(value, bytes) else value.encode("latin-1"))
            return list(status.details)
    return []
