"""What to do about a connection that did not come about: gRPC's words in those of our settings."""

from typing import Final

from dearena.transport.certificates import CA, CERT

_NOT_CONNECTED: Final = ("failed to connect to all addresses", "connections to all backends failing")
_VERIFY: Final = "CERTIFICATE_VERIFY_FAILED: "
_BROKEN_OFF: Final = ("Socket closed", "Connection reset", "Broken pipe", "recvmsg")
_PLAIN: Final = (
    ("Hostname Verification Check failed", "its certificate is for another name than this address"),
    ("WRONG_VERSION_NUMBER", f"it does not speak TLS, and we do, for {CA} or {CERT} is set"),
)


def why_refused(details: str, *, secured: bool) -> str:
    """Why no connection was made, as far as TLS is the reason; empty where it is not, or nobody can tell.

    Args:
        details: of the call's status, as gRPC words it.
        secured: whether we speak TLS.
    """
    if not any(words in details for words in _NOT_CONNECTED):
        return ""
    if _VERIFY in details:
        reason = details.partition(_VERIFY)[2].partition(":")[0]
        return f"its certificate is not accepted: {reason} ({CA} names the authorities that are)"
    if any(words in details for words in _BROKEN_OFF):
        if secured:
            return f"it broke the connection off: it may ask for a certificate, or not accept that of {CERT}"
        return f"it broke the connection off: it may speak TLS only, for which {CA} is set here"
    return next((why for words, why in _PLAIN if words in details), "")
