"""Prices of models, as a file tells them; every fault in it is told with its line. Pure.

prices:
  - upstream_model: kappa-large
    host: models.example.org      # only there; left out: wherever it is served
    provider: hosted              # only of models registered with this provider; left out: of any
    currency: USD
    per_million_input_tokens: 0.15
    per_million_output_tokens: 0.60
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import yaml

from services.gateway.models import Endpoint, ModelSpec
from services.gateway.pricing import Money, Price

NANO: Final = 1_000_000_000

_INPUT, _OUTPUT = "per_million_input_tokens", "per_million_output_tokens"
_WORDS: Final = ("upstream_model", "host", "provider", "currency", _INPUT, _OUTPUT)
_AMOUNT: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,9})?", re.ASCII)


class BrokenPriceFile(ValueError):
    """What is wrong, and at which lines: one sentence each."""


@dataclass(frozen=True, slots=True)
class _Whose:
    """Which models a price is of; empty: whatever it is."""

    upstream_model: str
    host: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by upstream model, and more closely by host or provider."""

    prices: Mapping[_Whose, Price] = field(default_factory=dict)

    def of(self, endpoint: Endpoint, provider: str) -> Price | None:
        """The price of a model: that of its host before that of its provider before that of its name alone."""
        name, host = endpoint.upstream_model, host_of(endpoint.base_url)
        for whose in (_Whose(name, host, provider), _Whose(name, host), _Whose(name, "", provider), _Whose(name)):
            if (price := self.prices.get(whose)) is not None:
                return price
        return None

    def of_spec(self, spec: ModelSpec) -> Price | None:
        """What calls are charged at: what the model's owner says, or else what stands here."""
        return spec.price if spec.price is not None else self.of(spec.endpoint, spec.provider)


def host_of(base_url: str) -> str:
    """Where an endpoint is, without its port; empty where the URL says nothing."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def read_prices(text: str) -> PriceList:
    """The prices that a file tells.

    Raises:
        BrokenPriceFile: with everything that is wrong.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise BrokenPriceFile(f"{where}it is not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BrokenPriceFile(f"it is not YAML: {error}") from error
    problems: list[str] = []
    prices: dict[_Whose, Price] = {}
    for entry in _entries(root, problems):
        if (said := _said(entry, problems)) is None or (read := _price(said, _line(entry), problems)) is None:
            continue
        whose, price = read
        if whose in prices:
            problems.append(f"line {_line(entry)}: the price of {whose.upstream_model} is said twice")
        prices[whose] = price
    if problems:
        raise BrokenPriceFile("; ".join(problems))
    return PriceList(prices)


def _entries(root: yaml.Node | None, problems: list[str]) -> Iterator[yaml.Node]:
    match root:
        case None:  # editors and `cp` empty a file before they write it
            problems.append("the file is empty; one without prices says `prices: []`")
            return
        case yaml.MappingNode(value=[(yaml.ScalarNode(value="prices"), entries)]):
            pass
        case _:
            problems.append(f"line {_line(root)}: the file must hold `prices`, and nothing else")
            return
    match entries:
        case yaml.SequenceNode(value=each):
            yield from each
        case _:
            problems.append(f"line {_line(entries)}: prices must be a list")


def _said(entry: yaml.Node, problems: list[str]) -> dict[str, str] | None:
    """Words and values of an entry; None where it is none."""
    if not isinstance(entry, yaml.MappingNode):
        problems.append(f"line {_line(entry)}: an entry must say {', '.join(_WORDS)}")
        return None
    said: dict[str, str] = {}
    sound = True
    for key, value in entry.value:
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            problem = "must be a word and its value"
        elif key.value not in _WORDS:
            problem = f"{key.value} is not known here; known are {', '.join(_WORDS)}"
        elif key.value in said:
            problem = f"{key.value} is said twice"
        else:
            said[key.value] = value.value
            continue
        problems.append(f"line {_line(key)}: {problem}")
        sound = False
    return said if sound else None


def _price(said: Mapping[str, str], line: int, problems: list[str]) -> tuple[_Whose, Price] | None:
    before = len(problems)
    if not said.get("upstream_model"):
        problems.append(f"line {line}: upstream_model is required")
    if not said.get("currency"):
        problems.append(f"line {line}: currency is required")
    amounts: dict[str, Money] = {}
    for name in (_INPUT, _OUTPUT):
        if (text := said.get(name)) is None:
            continue
        if _AMOUNT.fullmatch(text):
            amounts[name] = Money(said.get("currency", ""), int(Decimal(text) * NANO))
        else:
            problems.append(f"line {line}: {name} must be a number from 0 with at most nine decimals, not {text!r}")
    if not amounts and len(problems) == before:
        problems.append(f"line {line}: {_INPUT} or {_OUTPUT} is required")
    price = Price(amounts.get(_INPUT), amounts.get(_OUTPUT))
    if len(problems) == before and (problem := price.problem()):
        problems.append(f"line {line}: {problem}")
    if len(problems) > before:
        return None
    return _Whose(said["upstream_model"], said.get("host", "").lower(), said.get("provider", "")), price


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
