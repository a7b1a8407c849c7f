"""What a model thought before it answered, kept apart from what it answered. Pure.

Servers that know the model send its thinking in a member of its own; others leave it in the text, between tags. It is
no part of the answer: judges do not see it, and its hash is not in the answer's.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_MEMBERS: Final = ("reasoning_content", "reasoning")
"""vLLM, SGLang and DeepSeek say the first, OpenRouter and newer vLLM the second."""
_TAGS: Final = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
)
"""DeepSeek, Qwen and many more; Magistral; Seed-OSS."""
_TEXT_PARTS: Final = frozenset({"text", "output_text"})


class Said(NamedTuple):
    """A message, taken apart."""

    text: str
    reasoning: str


class NoText(ValueError):
    """The content is neither a text nor a list of parts."""


def take_apart(message: Mapping[str, Any]) -> Said:
    """The text and the reasoning of a message as an endpoint sent it.

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
    return _split(content.text)


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


def _split(text: str) -> Said:
    """Take the blocks off the front of a text.

    A block without its end was cut off, and all of it is reasoning. An end without its beginning closes a block
    that the chat template opened in the prompt. Tags further on are the answer's own words.
    """
    for opening, closing in _TAGS:
        start = text.lstrip()
        if start.startswith(opening):
            thought, _, rest = start.removeprefix(opening).partition(closing)
        elif closing in text and opening not in text.partition(closing)[0]:
            thought, _, rest = text.partition(closing)
        else:
            continue
        # Some models think twice, the second time in vain.
        more = _split(rest) if rest.lstrip().startswith(opening) else Said(rest, "")
        return Said(more.text.lstrip(), "\n\n".join(filter(None, (thought.strip(), more.reasoning))))
    return Said(text, "")
