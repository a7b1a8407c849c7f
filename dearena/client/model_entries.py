"""Models as an arena file declares them. Pure."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from dearena import identity
from dearena.client.amounts import NANO, amount_of
from dearena.client.arena_words import not_a_truth
from dearena.names import check_slug

LARGEST_PRICE: Final = 1_000_000
"""Per million tokens; what is dearer is a slip of the finger."""
LONGEST_TIMEOUT: Final = 3_600
LONGEST_DEADLINE: Final = 86_400
DEFAULT_TIMEOUT_SECONDS: Final = 60.0

_KEY_REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/[^/].*")

Slug = Annotated[str, AfterValidator(check_slug)]
Name = Annotated[str, Field(max_length=256)]
Count = Annotated[int, BeforeValidator(not_a_truth), Field(ge=0, lt=2**32)]


class Entry(BaseModel):
    """Fields that a file may give, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _base_url(url: str) -> str:
    """What a URL must be wherever it leads; whether calls may go there is the gateway's to say. Never repeats it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise ValueError("is not a URL such as https://models.example.org/v1") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must begin with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password; say where the key is by `key_reference`")
    if "?" in url or "#" in url:
        raise ValueError("must have neither a query nor a fragment")
    return url


def _place_of_key(reference: str) -> str:
    """A reference to a key. Raises ValueError, without what was there: it may be the key."""
    if reference and not _KEY_REFERENCE.fullmatch(reference):
        raise ValueError("must be env:NAME or file:/path, the place of a key; a key itself is never accepted")
    return reference


class EndpointEntry(Entry):
    """An OpenAI-compatible endpoint, as in `dearena.v1.Endpoint`."""

    base_url: Annotated[str, AfterValidator(_base_url)]
    upstream_model: Annotated[str, Field(min_length=1, max_length=256)]
    key_reference: Annotated[str, AfterValidator(_place_of_key)] = ""
    sparring: bool = False
    http2: bool = False
    structured_output: bool = False
    length_limits: bool = False
    reply_limit_member: Literal["", "max_tokens", "max_completion_tokens"] = ""
    answers_as: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=256)], ...], Field(max_length=64)] = ()


def _plain_json(members: dict[str, Any]) -> dict[str, Any]:
    """YAML knows more than JSON does, such as dates."""
    try:
        identity.digest_of(members)
    except RecursionError:
        raise ValueError("no canonical JSON: it is nested too deeply") from None
    return members


class ParametersEntry(Entry):
    """Parameters of calls; those left out are not sent, but for max_tokens, which has its default."""

    temperature: Annotated[float, BeforeValidator(not_a_truth), Field(ge=0, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, BeforeValidator(not_a_truth), Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, BeforeValidator(not_a_truth), Field(ge=1, lt=2**32)] | None = None
    seed: Annotated[int, BeforeValidator(not_a_truth), Field(gt=-(2**53), lt=2**53)] | None = None
    reasoning_tokens: Count | None = None
    extra_body: Annotated[dict[str, Any], AfterValidator(_plain_json)] = {}


def _whole_nano_units(price: Decimal) -> Decimal:
    if not price.is_finite() or not 0 <= price <= LARGEST_PRICE or price * NANO % 1:
        raise ValueError(f"must be from 0 to {LARGEST_PRICE:,}, with at most nine decimals")
    return price


Price = Annotated[Decimal, BeforeValidator(not_a_truth), AfterValidator(_whole_nano_units)]


def _amount(text: str) -> str:
    if text:
        amount_of(text)
    return text


Amount = Annotated[str, AfterValidator(_amount)]
"""Such as `0.50 USD`."""


def _currency(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError("must be a currency code such as USD")
    return code


class PriceEntry(Entry):
    """Per million tokens."""

    currency: Annotated[str, AfterValidator(_currency)] = "USD"
    per_million_input_tokens: Price = Decimal(0)
    per_million_output_tokens: Price = Decimal(0)


class ModelEntry(Entry):
    """A model, as in `dearena.v1.Model`."""

    slug: Slug
    display_name: Name = ""
    provider: Name = ""
    family: Name = ""
    labels: Annotated[dict[Name, Name], Field(max_length=64)] = {}
    endpoint: EndpointEntry
    answer_parameters: ParametersEntry | None = None
    judge_parameters: ParametersEntry | None = None
    system_prompt: Annotated[str, Field(max_length=65_536)] = ""
    concurrency: Annotated[Count, Field(le=1024)] = 0
    timeout_seconds: Annotated[float, BeforeValidator(not_a_truth), Field(ge=0.001, le=LONGEST_TIMEOUT)] | None = None
    requests_per_minute: Count = 0
    tokens_per_minute: Count = 0
    deadline_seconds: Annotated[float, BeforeValidator(not_a_truth), Field(gt=0, le=LONGEST_DEADLINE)] | None = None
    price: PriceEntry | None = None
    may_judge: bool = True
    cohort: Name = ""
    """Empty: that of the file, in whose order its models are admitted."""
    budget: Amount = ""
    """The most that its calls may cost, in all dimensions together; empty: none is set."""


class KeyEntry(Entry):
    """Limits of all models together that use one key, as in `dearena.v1.KeyLimits`; 0 is none."""

    key_reference: Annotated[str, Field(min_length=1), AfterValidator(_place_of_key)]
    concurrency: Count = 0
    requests_per_minute: Count = 0
    tokens_per_minute: Count = 0
