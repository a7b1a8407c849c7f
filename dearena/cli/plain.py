"""Messages of the contract as plain data, for `--json`; see `dearena.plain`."""

from dearena.plain import enum_name, plain

__all__ = ["enum_name", "plain"]
