"""Whether the model that answered is the one that was asked, by the id it gives. Pure.

Routers and proxies fall back to another model when the one that was asked for is busy, and say so by nothing but the
`model` of the reply. Such a reply is no answer of the model under test. Ids that differ for good reasons are those of
a dated snapshot behind a floating name, and those with or without the name of whoever made or serves the model.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_SNAPSHOT: Final = re.compile(
    r"""[-@.:_]
    ( \d{4}-\d{2}-\d{2}   # gpt-4o-2024-08-06
    | \d{8} | \d{6}       # claude-3-5-sonnet-20241022, doubao-pro-250115
    | \d{4}               # gpt-4-0613, mistral-large-2407
    | \d{2}-\d{2}         # gemini-2.5-pro-preview-05-06
    | 0\d{2}              # gemini-1.5-pro-002
    )""",
    re.VERBOSE,
)
_FLOATING: Final = re.compile(r"[-:@]latest$")
_ROUTES: Final = re.compile(r":(free|nitro|floor|online|exacto)$")
"""How a router is to choose a host, not which model."""
_FILE: Final = re.compile(r"\.(gguf|safetensors|bin)$")


@lru_cache(maxsize=4096)
def is_same_model(asked: str, said: str, answers_as: tuple[str, ...] = ()) -> bool:
    """Whether a reply that says `said` may be an answer of the model `asked`.

    Args:
        asked: the upstream model of the endpoint.
        said: the `model` of the reply; an endpoint that says nothing is believed.
        answers_as: further ids under which the model is known to answer.
    """
    return not said.strip() or any(_is_form_of(_plain(said), _plain(known)) for known in (asked, *answers_as))


_SERVED_BY: Final = ("x-provider", "x-inference-provider", "x-model-provider", "x-portkey-provider")
_FALLBACKS: Final = "x-litellm-attempted-fallbacks"


def served_by(headers: Mapping[str, str]) -> str:
    """Who answered behind a router, as far as one of a few known headers says.

    Args:
        headers: names in lower case.
    """
    return next((headers[name][:256] for name in _SERVED_BY if headers.get(name)), "")


def is_fallback(headers: Mapping[str, str]) -> bool:
    """Whether a proxy says that another model than the one asked for has answered, whatever the reply says."""
    return headers.get(_FALLBACKS, "").strip() not in ("", "0")


def _plain(name: str) -> str:
    return _FILE.sub("", _ROUTES.sub("", name.strip().lower().strip("/")))


def _is_form_of(said: str, known: str) -> bool:
    if said == known:
        return True
    said_owner, _, said_name = said.rpartition("/")
    known_owner, _, known_name = known.rpartition("/")
    if said_owner and known_owner and not _is_one_path(said_owner, known_owner):
        return False
    known_name = _FLOATING.sub("", known_name)
    rest = _FLOATING.sub("", said_name).removeprefix(known_name)
    if not said_name.startswith(known_name):
        return False
    return not rest or _SNAPSHOT.fullmatch(rest) is not None


def _is_one_path(one: str, other: str) -> bool:
    """Whether one is the end of the other: `models/google` and `google`."""
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")
