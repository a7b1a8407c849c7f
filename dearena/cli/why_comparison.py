"""One comparison for people: what a judge was asked and shown, what it said, and how that was read. Pure."""

from collections.abc import Iterator, Sequence

from google.protobuf.duration_pb2 import Duration

from dearena.cli import words
from dearena.plain import enum_name
from dearena.v1 import common_pb2, judge_dispatcher_pb2

SHORT = 12
"""Digits of a hash that are shown of it where it stands beside others."""


def rendered(
    comparison: judge_dispatcher_pb2.Comparison, weighs: str, *, trace_link: str = "", prompts: bool = False
) -> str:
    """All of it as text, whose parts of foreign origin are indented and free of control characters.

    Args:
        comparison: as the judge dispatcher keeps it.
        weighs: what the board makes of it.
        trace_link: where its trace is shown.
        prompts: whether prompts were asked for.
    """
    cell = comparison.cell
    lines = [
        words.joined(
            [f"cell {cell.cell_id}", f"attempt {cell.attempt}", f"round {comparison.round}", _kind(cell)],
        ),
        f"judge     {cell.judge} (parameters {cell.judge_parameters_hash[:SHORT]})",
        f"query     {cell.query_id} ({cell.query_hash[:SHORT]})",
        f"model A   {cell.model_a}, answer {cell.answer_hash_a or 'not usable'}",
        f"model B   {cell.model_b}, answer {cell.answer_hash_b or 'not usable'}",
        f"template  {cell.template_hash}",
        f"outcome   {_name(comparison, 'outcome')}{_because(comparison.reason)}",
        f"weighs    {weighs}",
        f"when      {comparison.create_time.ToJsonString()}",
        f"trace     {words.joined([comparison.trace_id, trace_link]) or 'none was kept'}",
    ]
    for number, seat in enumerate(comparison.seats, 1):
        lines += ["", *_seat(number, cell, seat, prompts=prompts)]
    if not comparison.seats:
        lines += ["", "no call was made"]
    return "\n".join(lines)


def _seat(number: int, cell: common_pb2.Cell, seat: judge_dispatcher_pb2.SeatRecord, *, prompts: bool) -> Iterator[str]:
    second = cell.model_b if seat.first == cell.model_a else cell.model_a
    grade = f"grade {seat.grade}" if seat.grade else ""
    held = "held to a schema" if seat.structured else ""
    yield f"call {number}    {seat.first} in the first seat, {second} in the second"
    yield f"verdict   {words.joined([_name(seat, 'verdict'), grade, held])}{_because(seat.reason)}"
    used = f"{seat.usage.input_tokens:,} tokens in, {seat.usage.output_tokens:,} out"
    yield f"used      {words.joined([used, words.money(seat.cost), _seconds(seat.latency)])}"
    yield f"request   {seat.request_id or 'none'}"
    if seat.finish_reason:
        yield f"finished  {visible(seat.finish_reason)}"
    if prompts:
        if seat.prompt_problem or not seat.prompt:
            yield f"prompt    {visible(seat.prompt_problem) or 'is not to be had'}"
        for message in seat.prompt:
            yield from _text(f"prompt, {visible(message.role)}", message.content)
        if seat.response_schema:
            yield from _text("schema of the reply", seat.response_schema)
    if seat.reasoning_hash:
        yield from _text(f"thinking {seat.reasoning_hash}, no part of the reply", seat.reasoning or "(erased)")
    if seat.transcript_hash:
        yield from _text(f"reply {seat.transcript_hash}", seat.transcript or "(erased)")
    else:
        yield "reply     none"


def _text(heading: str, text: str) -> Iterator[str]:
    yield f"{heading}:"
    yield from (f"    | {line}" for line in visible(text).split("\n"))


def visible(text: str) -> str:
    """Foreign text as it is to be shown: what a terminal would obey, or would not show, is spelt out."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _name(message: judge_dispatcher_pb2.Comparison | judge_dispatcher_pb2.SeatRecord, field: str) -> str:
    return enum_name(message.DESCRIPTOR.fields_by_name[field], getattr(message, field))


def _kind(cell: common_pb2.Cell) -> str:
    return "a canary, no vote" if cell.kind == common_pb2.CELL_KIND_CANARY else ""


def _because(reason: str) -> str:
    return f": {visible(reason)}" if reason else ""


def _seconds(latency: Duration) -> str:
    return f"{latency.ToTimedelta().total_seconds():.2f} s"


def trace_link(url: str, trace_id: str) -> str:
    """Where a trace is shown: `{trace_id}` in the URL is put in, and where there is none the id comes last."""
    if not url or not trace_id:
        return ""
    return url.replace("{trace_id}", trace_id) if "{trace_id}" in url else f"{url.rstrip('/')}/{trace_id}"


def weight(judge_weight: float, draw: int, why_not: str) -> str:
    """`as a judge 1.20, where the mean is 1.00`; or that it does not count, and why."""
    if why_not:
        return f"nothing: {why_not}"
    drawn = f"drawn {draw / words.WEIGHT_PARTS:.2f} times as often as evenly" if draw != words.WEIGHT_PARTS else ""
    return words.joined([f"one vote of a judge of weight {judge_weight:.2f} (mean 1.00)", drawn])


def short(cells: Sequence[str]) -> list[str]:
    """Ids cut to as few digits as tell them all apart, twelve at the least."""
    length = SHORT
    while len({cell[:length] for cell in cells}) < len(set(cells)):
        length += 1
    return [cell[:length] for cell in cells]
