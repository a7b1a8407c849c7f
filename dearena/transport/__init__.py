"""How calls travel: in plaintext, or by TLS with certificates that are renewed while a process runs."""

from dearena.transport.certificates import PLAINTEXT, Tls
from dearena.transport.channels import open_channel

__all__ = ["PLAINTEXT", "Tls", "open_channel"]
