"""Records of judges as they stand in the log, and added up. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, fields

from dearena.ranking.health import JudgeRecord


def added(one: JudgeRecord, other: JudgeRecord) -> JudgeRecord:
    """Two records of one judge together."""
    return JudgeRecord(*(getattr(one, field.name) + getattr(other, field.name) for field in fields(JudgeRecord)))


def record_content(record: JudgeRecord) -> dict[str, int]:
    """A record as plain data, without what is 0."""
    return {name: number for name, number in asdict(record).items() if number}


def record_in(content: Mapping[str, int]) -> JudgeRecord:
    """A record from the log."""
    return JudgeRecord(**content)
