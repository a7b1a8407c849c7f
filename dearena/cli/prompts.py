"""Judging templates and prompts, as people read them."""

from collections.abc import Sequence

from rich.table import Table

from dearena.v1 import judge_dispatcher_pb2 as pb


def table(found: Sequence[pb.GetTemplateResponse]) -> Table:
    """Templates, a line each."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("template", "judges", "needs", "verdict", "hash"):
        shown.add_column(heading, overflow="fold")
    for template in found:
        needs = [
            *(["a reference with every query"] if template.needs_reference else []),
            *(["a rubric"] if template.needs_rubric else []),
        ]
        shown.add_row(
            template.template,
            template.summary,
            ", ".join(needs),
            "1>>2, 1>2, TIE, 2>1, 2>>1" if template.graded else "1, 2, TIE",
            template.template_hash[:12],
        )
    return shown


def about(found: pb.PreviewPromptResponse) -> str:
    """What stands beside a prompt: by which template, for which query, and how the reply is held."""
    lines = [f"template {found.template} ({found.template_hash[:12]}), query {found.query_id}"]
    if found.never_sent:
        lines.append(f"never sent: {found.never_sent}")
    if found.codes_are_samples:
        lines.append("the codes stand for those of the real call, which nobody may know beforehand")
    if found.response_schema:
        lines.append(f"the reply is held to the JSON schema {found.response_schema}")
    else:
        lines.append("the reply is held to no schema")
    return "\n".join(lines)
