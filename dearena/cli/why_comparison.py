"""One comparison for people: what a judge was asked and shown, what it said, and how that was read. Pure."""

from collections.abc import Iterator, Sequence

from google.protobuf.duration_pb2 import Duration

from dearena import canaries
from dearena.canaries import Sort
from dearena.cli import words
from dearena.plain import enum_name
from dearena.seat_order import a_sits_first
from dearena.v1 import common_pb2, judge_dispatcher_pb2

SHORT = 12
"""Digits of a hash that are shown of it where it stands beside others."""


def sort_of(cell: common_pb2.Cell) -> Sort | None:
    """Which canary a cell is; None where it is a vote."""
    if cell.kind != common_pb2.CELL_KIND_CANARY:
        return None
    return canaries.sort_of(cell.answer_hash_a, cell.answer_hash_b)


def truncated_seats(comparison: judge_dispatcher_pb2.Comparison) -> list[str]:
    """Of each call in which seat the truncated answer sat: first or second; empty where none was truncated."""
    cell = comparison.cell
    if sort_of(cell) is not Sort.TRUNCATED:
        return [""] * len(comparison.seats)
    # Model B's answer is the truncated one, and the calls stand in the order of seats.
    if cell.seat_policy == common_pb2.SEAT_POLICY_SINGLE:
        return ["second" if a_sits_first(cell.cell_id) else "first"] * len(comparison.seats)
    return ["second", "first"][: len(comparison.seats)]


def rendered(
    comparison: judge_dispatcher_pb2.Comparison,
    weighs: str,
    *,
    template: str = "",
    trace_link: str = "",
    prompts: bool = False,
) -> str:
    """All of it as text, whose parts of foreign origin are indented and free of control characters.

    Args:
        comparison: as the judge dispatcher keeps it.
        weighs: what the board makes of it.
        template: its name; empty where it is not known.
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
        f"model B   {cell.model_b}, {_second_answer(cell)}",
        f"template  {words.joined([template, cell.template_hash])}",
        f"outcome   {_name(comparison, 'outcome')}{_because(comparison.reason)}",
        f"weighs    {weighs}",
        f"when      {comparison.create_time.ToJsonString()}",
        f"trace     {words.joined([comparison.trace_id, trace_link]) or 'none was kept'}",
    ]
    for number, (seat, cut) in enumerate(zip(comparison.seats, truncated_seats(comparison), strict=True), 1):
        lines += ["", f"call {number}    {_seating(cell, seat, cut)}", *_seat(seat, prompts=prompts)]
    if not comparison.seats:
        lines += ["", "no call was made"]
    return "\n".join(lines)


def _seating(cell: common_pb2.Cell, seat: judge_dispatcher_pb2.SeatRecord, cut: str) -> str:
    match sort_of(cell):
        case Sort.SAME:
            return f"the same answer of {cell.model_a} in both seats"
        case Sort.TRUNCATED:
            whole = "first" if cut == "second" else "second"
            return f"{cell.model_a}, its answer truncated in the {cut} seat, whole in the {whole}"
    second = cell.model_b if seat.first == cell.model_a else cell.model_a
    return f"{seat.first} in the first seat, {second} in the second"


def _second_answer(cell: common_pb2.Cell) -> str:
    if sort_of(cell) is Sort.TRUNCATED:
        return f"the same answer truncated {cell.answer_hash_b}"
    return f"answer {cell.answer_hash_b or 'not usable'}"


def _seat(seat: judge_dispatcher_pb2.SeatRecord, *, prompts: bool) -> Iterator[str]:
    grade = f"grade {seat.grade}" if seat.grade else ""
    held = "held to a schema" if seat.structured else ""
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
