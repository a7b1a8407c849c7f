"""What one call takes in a dimension: by the gateway's ledger, by prices, or as the caller says."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dearena.cli.words import NANO
from dearena.client import ArenaClient
from dearena.ranking.draws import Panel
from dearena.trials.quote import UNKNOWN, Usage, mean_of, price_of
from dearena.v1 import gateway_pb2

MOST_LEDGER_ENTRIES: Final = 50_000
"""That are read: means do not change after so many."""
AS_GIVEN: Final = "the prices given"


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the caller says, instead of what is on record; None where nothing is said.

    Attributes:
        input_tokens, output_tokens: of a judge's call.
        price_in, price_out: per million tokens, in whole units of `currency`; of judges and newcomer.
        seconds: of a call.
        concurrency: calls that a model takes at once.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    currency: str = "USD"
    seconds: float | None = None
    concurrency: int | None = None

    @property
    def judging(self) -> Usage | None:
        """A judge's call, if tokens are assumed."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return Usage(self.input_tokens, self.output_tokens)

    @property
    def answering(self) -> Usage | None:
        """An answer, which is no longer than half of what a judge reads, and so is its question."""
        if self.input_tokens is None:
            return None
        return Usage(self.input_tokens / 2, self.input_tokens / 2)

    @property
    def has_price(self) -> bool:
        """Whether one of the prices is assumed; the other is nothing then."""
        return self.price_in is not None or self.price_out is not None

    def priced(self, usage: Usage) -> Usage:
        """At these prices."""
        return price_of(self.currency, self.price_in or 0, self.price_out or 0, usage)


@dataclass(slots=True)
class Meter:
    """Calls of one model for one purpose."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano_units: Counter[str] = field(default_factory=Counter)

    def add(self, entry: gateway_pb2.LedgerEntry) -> None:
        """One more call."""
        self.calls += 1
        self.input_tokens += entry.usage.input_tokens
        self.output_tokens += entry.usage.output_tokens
        if entry.cost.nano_units:
            self.nano_units[entry.cost.currency] += entry.cost.nano_units

    @property
    def mean(self) -> Usage:
        """Of one call."""
        costs = {currency: amount / self.calls for currency, amount in self.nano_units.items()}
        return Usage(self.input_tokens / self.calls, self.output_tokens / self.calls, costs)


@dataclass(slots=True)
class Ledger:
    """What calls of a dimension took, by model."""

    judging: dict[str, Meter] = field(default_factory=lambda: defaultdict(Meter))
    answering: dict[str, Meter] = field(default_factory=lambda: defaultdict(Meter))

    @classmethod
    async def read(cls, client: ArenaClient, dimension: str) -> "Ledger":
        """What the gateway has on record, as far as is read of it."""
        ledger, read = cls(), 0
        async for entry in client.ledger(dimension=dimension):
            if entry.state == gateway_pb2.COMPLETION_STATE_DONE:
                judges = entry.purpose == gateway_pb2.PURPOSE_JUDGE
                (ledger.judging if judges else ledger.answering)[entry.model].add(entry)
            read += 1
            if read == MOST_LEDGER_ENTRIES:
                break
        return ledger


@dataclass(slots=True)
class Costing:
    """What a call takes here, and what that rests on."""

    assumed: Assumed
    ledger: Ledger
    judges: Sequence[str]
    models: Mapping[str, gateway_pb2.Model]
    weights: Mapping[str, int]
    newcomer: gateway_pb2.Model | None
    rests_on: dict[str, str]

    def judging(self) -> Usage:
        """A judge's call, each judge as often as the jury asks it."""
        chances = Panel.of(self.judges, self.weights, {}).chances
        known = {judge: meter.mean for judge, meter in self.ledger.judging.items()}
        others = self.assumed.judging or (mean_of([(1.0, one) for one in known.values()]) if known else UNKNOWN)
        if self.assumed.judging:
            self.rests_on["tokens"] = tokens_as_given(self.assumed)
            usages = [(chances[judge], self._priced(judge, others)) for judge in self.judges]
            self.rests_on["cost"] = AS_GIVEN if self.assumed.has_price else "prices of the judges"
            return mean_of(usages)
        calls = sum(meter.calls for meter in self.ledger.judging.values())
        if not calls:
            return UNKNOWN
        self.rests_on["tokens"] = f"means of {calls:,} judge calls on record, each judge as often as it is asked"
        self.rests_on["cost"] = AS_GIVEN if self.assumed.has_price else "what these calls cost"
        return mean_of(
            [
                (
                    chances[judge],
                    known[judge] if judge in known and not self.assumed.has_price else self._priced(judge, others),
                )
                for judge in self.judges
            ]
        )

    def answering(self) -> Usage:
        """An answer of the newcomer, as long as others' are."""
        meters = list(self.ledger.answering.values())
        if self.assumed.answering:
            usage = self.assumed.answering
        elif meters:
            usage = mean_of([(float(meter.calls), meter.mean) for meter in meters])
        else:
            return UNKNOWN
        if self.newcomer is not None and not self.assumed.has_price:
            return _at_price_of(self.newcomer, usage)
        return self.assumed.priced(usage) if self.assumed.has_price else usage

    def _priced(self, judge: str, usage: Usage) -> Usage:
        if self.assumed.has_price:
            return self.assumed.priced(usage)
        return _at_price_of(self.models[judge], usage) if judge in self.models else usage


def _at_price_of(model: gateway_pb2.Model, usage: Usage) -> Usage:
    price = model.price
    currency = price.per_million_input_tokens.currency or price.per_million_output_tokens.currency
    a_million = (price.per_million_input_tokens.nano_units, price.per_million_output_tokens.nano_units)
    return price_of(currency, a_million[0] / NANO, a_million[1] / NANO, usage)


def tokens_as_given(assumed: Assumed) -> str:
    """What tokens rest on where the caller gives them."""
    return (
        f"{assumed.input_tokens:,} input and {assumed.output_tokens:,} output tokens a judge call, as given; an answer "
        "and its question at most half of what a judge reads, each"
    )
