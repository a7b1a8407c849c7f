"""One judge call as it is sent: the prompt, the form of the reply, and how the reply is read. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dearena.identity import Digest, text_hash
from dearena.judging import verdict
from dearena.judging.conversations import Replies
from dearena.judging.forms import Form, response_schema
from dearena.judging.nonces import Codes
from dearena.judging.templates import Template
from dearena.judging.verdict import Reading


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a judge is sent."""

    template: Template
    form: Form
    codes: Codes
    text: str
    """The user message, whole."""

    @property
    def hash(self) -> Digest:
        """Of the text: tells whether a prompt that is made again is the one that was sent."""
        return text_hash(self.text)

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """JSON Schema that the reply is held to; None where it is a line."""
        if not self.form.structured:
            return None
        bounded = self.form is Form.BOUNDED_JSON
        return response_schema(self.codes.verdict, self.template.scale, bounded=bounded)

    def read(self, reply: str, finish_reason: str = "", *, structured: bool = False) -> Reading:
        """Read the reply to it; `structured` says that the endpoint was held to the schema."""
        return verdict.read(
            reply,
            self.codes.verdict,
            finish_reason,
            structured=structured,
            scale=self.template.scale,
            prompt=self.text,
        )


def prompt_of(
    template: Template,
    form: Form,
    codes: Codes,
    *,
    turns: Sequence[str],
    first: str | Replies,
    second: str | Replies,
    reference: str = "",
) -> Prompt:
    """The prompt about two answers in this order. The same of the same, whenever it is made."""
    text = template.render(
        turns=turns,
        first=first,
        second=second,
        fence=codes.fence,
        nonce=codes.verdict,
        reference=reference,
        form=form,
    )
    return Prompt(template, form, codes, text)
