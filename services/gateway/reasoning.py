"""What a model thought before it answered, kept apart from what it answered. Pure.

Servers that know the model send its thinking in a member of its own; others leave it in the text, between tags. It is
no part of the answer: judges do not see it, and its hash is not in the answer's.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

_MEMBERS: Final = ("reasoning_content", "reasoning")
"""vLLM, SGLang and DeepSeek say the first, OpenRouter and newer vLLM the second."""
_TAGS: Final = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
)
"""DeepSeek, Qwen and many more; Magistral; Seed-OSS."""
_MARKS: Final = tuple(
    (opening, closing, re.compile(re.escape(closing) + r"[ \t\r]*(?:\n|\Z)")) for opening, closing in _TAGS
)
_SPACE: Final = re.compile(r"\s*")
_TEXT_PARTS: Final = frozenset({"text", "output_text"})


class Said(NamedTuple):
    """A message, taken apart."""

    text: str
    reasoning: str


class NoText(ValueError):
    """The content is neither a text nor a list of parts."""


def take_apart(message: Mapping[str, Any], *, structured: bool = False, thinks: bool = False) -> Said:
    """The text and the reasoning of a message as an endpoint sent it.

    Args:
        message: `choices[0].message`.
        structured: whether the endpoint was held to a schema: then tags within an object are a member's own words.
        thinks: whether the model is known to think: then an end without its beginning closes its thoughts.

    Raises:
        NoText: its content is of a kind that holds no text.
    """
    match message.get("content"):
        case None:
            content = Said("", "")
        case str(text):
            content = Said(text, "")
        case list(parts):
            content = _of_parts(parts)
        case _:
            raise NoText
    apart = next((message[name] for name in _MEMBERS if isinstance(message.get(name), str) and message[name]), "")
    if apart or content.reasoning:
        # The server has told them apart: tags in the text are the answer's own.
        return Said(content.text, apart or content.reasoning)
    if structured and content.text.lstrip().startswith("{"):
        return content
    return _split(content.text, thinks=thinks)


def _of_parts(parts: list[Any]) -> Said:
    """Mistral sends thinking as parts that hold parts; what is of no known kind is thought to be no answer."""
    texts: list[str] = []
    thoughts: list[str] = []
    for part in parts:
        match part:
            case {"text": str(text), **rest}:
                (texts if rest.get("type", "text") in _TEXT_PARTS else thoughts).append(text)
            case {"thinking": str(text)}:
                thoughts.append(text)
            case {"thinking": list(inner)}:
                thoughts.append(_of_parts(inner).text)
    return Said("".join(texts), "".join(thoughts))


def _split(text: str, *, thinks: bool) -> Said:
    """Take the blocks off the front of a text.

    A block without its end was cut off, and all of it is reasoning. An end without its beginning closes a block
    that the chat template opened in the prompt, if the model is one that thinks, and if it ends its line: in the
    middle of one it is spoken of, and another model's answer may be about nothing else. Tags further on are the
    answer's own words.
    """
    for opening, closing, ending in _MARKS:
        start = text.lstrip()
        if start.startswith(opening):
            return _without_blocks(start, opening, closing)
        if thinks and (end := ending.search(text)) and opening not in text[: end.start()]:
            rest = _without_blocks(text[end.end() :].lstrip(), opening, closing)
            return Said(rest.text, _joined([text[: end.start()], rest.reasoning]))
    return Said(text, "")


def _without_blocks(text: str, opening: str, closing: str) -> Said:
    """Some models think again and again, and a small one in a loop a thousand times: so this is no recursion."""
    thoughts: list[str] = []
    place = 0
    while text.startswith(opening, place):
        end = text.find(closing, place + len(opening))
        if end < 0:
            thoughts.append(text[place + len(opening) :])
            place = len(text)
            break
        thoughts.append(text[place + len(opening) : end])
        place = _after_space(text, end + len(closing))
    return Said(text[place:], _joined(thoughts))


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _joined(thoughts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, (thought.strip() for thought in thoughts)))
