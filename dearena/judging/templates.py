"""What a judge is asked: versioned templates, known by "name@version" and by hash. Pure.

The hash of a template stands in every cell, so a published text never changes: a better one is a new
version. Whatever models wrote stands between two marker lines that carry the fence, which nobody but
the dispatcher can guess; so no answer can close its own block and go on in the dispatcher's voice.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from dearena import faults
from dearena.identity import Digest, digest_of
from dearena.judging import published
from dearena.judging.conversations import Replies, answer_text, question_text
from dearena.judging.forms import FIVE_STEPS, PLAIN, REASONING_LONGEST, Form, Scale

DEFAULT_TEMPLATE = "pairwise@1"
OWN: Final = "own"
"""Stands for the name of a template that a dimension brings itself."""

PLACEHOLDERS: Final = ("question", "answer_1", "answer_2", "reference", "rubric", "fence", "nonce")
_PLACEHOLDER = re.compile("{{(" + "|".join(PLACEHOLDERS) + ")}}")
# Case as in the reading of a reply, where it does not count.
_DEMAND = re.compile(r"VERDICT {{nonce}}: (\S+)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Template:
    """A judging template."""

    name: str
    version: int
    text: str
    """With the placeholders {{question}}, {{answer_1}}, {{answer_2}}, {{fence}} and {{nonce}}, and where it needs
    them {{reference}} and {{rubric}}. As it is sent to judges that reply with a line."""
    summary: str = ""
    """What it is for, in a line."""
    scale: Scale = PLAIN
    closing: str = ""
    """How the text ends: the demand for a line, left out where the reply is JSON. Empty: it cannot be cut off."""
    rubric: str = ""
    """Of the dimension, for which alone the template then stands."""

    @property
    def id(self) -> str:
        """Its name and version, "name@version"; of a dimension's own, just its name."""
        return f"{self.name}@{self.version}" if self.version else self.name

    @cached_property
    def hash(self) -> Digest:
        """Identity of the template, as it stands in cells. A rubric is part of it.

        How JSON is asked for is not: its version is in the request id (`forms.Form`).
        """
        return digest_of({"template": self.id, "text": self.text, **({"rubric": self.rubric} if self.rubric else {})})

    @property
    def needs_reference(self) -> bool:
        """Whether queries need a reference answer."""
        return "{{reference}}" in self.text

    @property
    def needs_rubric(self) -> bool:
        """Whether the dimension must bring a rubric."""
        return "{{rubric}}" in self.text

    @cached_property
    def _pieces(self) -> Mapping[Form, Sequence[str]]:
        # Literal text at even places, names of placeholders at odd ones. Cutting the template once,
        # rather than replacing in the filled text, keeps a placeholder inside an answer a mere text.
        return {
            Form.LINE: _PLACEHOLDER.split(self.text),
            **dict.fromkeys((Form.BOUNDED_JSON, Form.JSON), _PLACEHOLDER.split(self._with_json())),
        }

    def _with_json(self) -> str:
        meaning = published.GRADED_MEANING_1 if self.scale.graded else published.PLAIN_MEANING_1
        closing = published.JSON_CLOSING_1.replace("{{longest}}", str(REASONING_LONGEST))
        closing = closing.replace("{{meaning}}", meaning)
        if self.closing:
            return self.text.removesuffix(self.closing) + closing
        return f"{self.text.rstrip()}\n\n{published.JSON_ADDENDUM_1}{closing}"

    def render(
        self,
        *,
        turns: Sequence[str],
        first: str | Replies,
        second: str | Replies,
        fence: str,
        nonce: str,
        reference: str = "",
        form: Form = Form.LINE,
    ) -> str:
        """The prompt of one judge call: the user message, whole.

        Args:
            turns: the question's turns, at least one.
            first: the answer in the first seat, each reply of it taken over to the letter; a text is one reply.
            second: the answer in the second seat.
            fence: guards the blocks, see nonces.py.
            nonce: to be repeated in the verdict, see nonces.py.
            reference: the query's reference answer, for templates that show it.
            form: in which the verdict is asked for.
        """
        filling = {
            "question": question_text(turns, fence),
            "answer_1": _answer(first, fence),
            "answer_2": _answer(second, fence),
            "reference": reference,
            "rubric": self.rubric,
            "fence": fence,
            "nonce": nonce,
        }
        return "".join(filling[piece] if place % 2 else piece for place, piece in enumerate(self._pieces[form]))


def _answer(answer: str | Replies, fence: str) -> str:
    return answer if isinstance(answer, str) else answer_text(answer, fence)


PAIRWISE_1 = Template("pairwise", 1, published.PAIRWISE_1, "two answers to a question", PLAIN, published.PLAIN_CLOSING)
REFERENCE_1 = Template(
    "reference", 1, published.REFERENCE_1, "two answers beside a reference answer", PLAIN, published.PLAIN_CLOSING
)
RUBRIC_1 = Template(
    "rubric", 1, published.RUBRIC_1, "two answers by the dimension's rubric", PLAIN, published.PLAIN_CLOSING
)
CONVERSATION_1 = Template(
    "conversation", 1, published.CONVERSATION_1, "two conversations of several turns", PLAIN, published.PLAIN_CLOSING
)
CONVERSATION_2 = Template(
    "conversation",
    2,
    published.CONVERSATION_2,
    "as conversation@1, and says what heads a reply",
    PLAIN,
    published.PLAIN_CLOSING,
)
GRADED_1 = Template(
    "graded", 1, published.GRADED_1, "two answers, graded in five steps", FIVE_STEPS, published.GRADED_CLOSING
)

TEMPLATES: Mapping[str, Template] = {
    template.id: template for template in (PAIRWISE_1, REFERENCE_1, RUBRIC_1, CONVERSATION_1, CONVERSATION_2, GRADED_1)
}
_BY_HASH: Mapping[Digest, Template] = {
    template.hash: template for template in TEMPLATES.values() if not template.needs_rubric
}


def template_named(name: str) -> Template:
    """The template "name@version"; empty means the default.

    Raises:
        UnknownTemplate: there is none of that name and version.
    """
    try:
        return TEMPLATES[name or DEFAULT_TEMPLATE]
    except KeyError:
        raise faults.UnknownTemplate(f"no template {name!r}; there are: {', '.join(sorted(TEMPLATES))}") from None


def template_hashed(template_hash: Digest) -> Template:
    """The template that a cell names by hash, of those that stand for themselves.

    Raises:
        UnknownTemplate: there is none; a dimension may have it.
    """
    try:
        return _BY_HASH[template_hash]
    except KeyError:
        raise faults.UnknownTemplate(f"no template with hash {template_hash!r}") from None


def chosen(name: str, own_text: str = "", rubric: str = "") -> Template:
    """The template of a dimension, which is the same for as long as the dimension version lives.

    Args:
        name: "name@version"; empty means the default; without meaning beside a text of its own.
        own_text: the dimension's own template; empty: the named one.
        rubric: by what is judged.

    Raises:
        UnknownTemplate: there is none of that name and version.
    """
    template = Template(OWN, 0, own_text, scale=scale_of(own_text) or PLAIN) if own_text else template_named(name)
    return replace(template, rubric=rubric) if template.needs_rubric else template


def demanded(own_text: str) -> list[str]:
    """The words that a text asks for: one a line, each alone behind the code, as a reply is read."""
    lines = (line.strip() for line in own_text.split("\n"))
    return [match[1] for line in lines if (match := _DEMAND.fullmatch(line))]


def scale_of(own_text: str) -> Scale | None:
    """Whose words a text of somebody's own asks for; None when they are of no scale."""
    words = sorted(demanded(own_text))
    return next((scale for scale in (PLAIN, FIVE_STEPS) if words == sorted(scale.words)), None)
