"""The catalogue of metrics: what each counts, in which unit, by which attributes, and who reports it. Pure.

Dashboards, alerts and tests take names from here. Names are those of the OpenTelemetry semantic conventions where
they have one; our own begin with `dearena.`. No metric has a model, a dimension and a judge at once: an arena of
1,000 models and 100 dimensions stays below 100,000 series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Final

from services.runtime import semantics

GATEWAY: Final = "gateway"
QUERY_SELECTOR: Final = "query-selector"
RANKER: Final = "ranker"
DISPATCHER: Final = "judge-dispatcher"
SCORER: Final = "scorer"
ALL: Final = (GATEWAY, QUERY_SELECTOR, RANKER, DISPATCHER, SCORER)

RPC_SERVICE: Final = "rpc.service"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS: Final = "rpc.grpc.status_code"
INPUT_OR_OUTPUT: Final = "gen_ai.token.type"
STREAM: Final = "dearena.stream"
CONSUMER: Final = "dearena.consumer"
REASON: Final = "dearena.reason"
STATE: Final = "dearena.state"
CURRENCY: Final = "dearena.currency"
SCOPE: Final = "dearena.budget.scope"
BUDGET: Final = "dearena.budget.name"
SHARD: Final = "dearena.shard"

VALUES: Final[Mapping[str, int | str]] = {
    RPC_SERVICE: 1,
    RPC_METHOD: 25,
    RPC_STATUS: 3,
    semantics.MESSAGING_DESTINATION_TEMPLATE: 5,
    semantics.MESSAGING_CONSUMER_GROUP: 1,
    semantics.ERROR_TYPE: 2,
    semantics.GEN_AI_OPERATION_NAME: 1,
    semantics.GEN_AI_PROVIDER_NAME: 1,
    semantics.GEN_AI_REQUEST_MODEL: "models",
    INPUT_OR_OUTPUT: 2,
    STREAM: 1,
    CONSUMER: 1,
    REASON: 2,
    STATE: 3,
    CURRENCY: 1,
    SCOPE: 1,
    BUDGET: "budgets",
    SHARD: 1,
    semantics.PROJECT: 1,
    semantics.DIMENSION: "dimensions",
    semantics.MODEL: "models",
    semantics.JUDGE: "models",
    semantics.PURPOSE: 3,
    semantics.OUTCOME: 8,
    semantics.PHASE: 4,
}
"""How many values an attribute takes beside the others of its metric: a model has one provider and one project, and
fails in one way if at all."""


class Kind(StrEnum):
    """What a metric is."""

    COUNTER = "counter"
    """Only grows, while its process lives."""
    GAUGE = "gauge"
    """What is so now."""
    HISTOGRAM = "histogram"
    """How often a value was so large."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric of the catalogue."""

    name: str
    kind: Kind
    unit: str
    """As in UCUM; what stands in braces is counted, and has no part in the name that Prometheus gives."""
    description: str
    attributes: tuple[str, ...] = ()
    services: tuple[str, ...] = ALL
    """Who reports it, as named in a cluster."""
    buckets: tuple[float, ...] = ()
    """Upper bounds, of a histogram."""

    @property
    def series_names(self) -> tuple[str, ...]:
        """The names under which Prometheus keeps it."""
        name = prometheus_name(self)
        return tuple(f"{name}_{part}" for part in ("bucket", "sum", "count")) if self.buckets else (name,)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of its attributes, as Prometheus has them; `job` and `instance` come with every metric."""
        return tuple(label_of(attribute) for attribute in self.attributes)

    def series(self, models: int, dimensions: int) -> int:
        """Series that one process reports at most where there are so many models and dimensions.

        A budget is counted for each of either, and for each dimension a template.
        """
        sizes = {"models": models, "dimensions": dimensions, "budgets": models + 2 * dimensions}
        values = (VALUES[attribute] for attribute in self.attributes)
        combinations = prod(sizes[one] if isinstance(one, str) else one for one in values)
        return combinations * (len(self.buckets) + 3 if self.buckets else 1)


_SUFFIX: Final = {"s": "_seconds", "By": "_bytes"}


def prometheus_name(instrument: Instrument) -> str:
    """As the collector's exporter names it: underscores for dots, then the unit, then `_total` of a counter."""
    name = label_of(instrument.name)
    if not name.endswith(suffix := _SUFFIX.get(instrument.unit, "")):
        name += suffix
    if instrument.unit == "1" and instrument.kind is Kind.GAUGE:
        name += "_ratio"
    return f"{name}_total" if instrument.kind is Kind.COUNTER else name


def label_of(attribute: str) -> str:
    """The label that an attribute becomes."""
    return attribute.replace(".", "_")


_RPC_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0)
_HANDLER_SECONDS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)
_CALL_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
_ROUND_SECONDS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 4 * 3_600.0, 24 * 3_600.0)
_INSERTION_SECONDS: Final = (15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 3 * 3_600.0, 8 * 3_600.0, 24 * 3_600.0)
_FIT_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
_TOKENS: Final = (16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0)

_DIMENSION: Final = (semantics.PROJECT, semantics.DIMENSION)
_MODEL: Final = (semantics.PROJECT, semantics.MODEL)

_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

RPC_DURATION: Final = Instrument(
    "rpc.server.duration",
    _HISTOGRAM,
    "s",
    "How long calls to this service took, streams until their end.",
    (RPC_SERVICE, RPC_METHOD, RPC_STATUS),
    buckets=_RPC_SECONDS,
)
PROCESS_DURATION: Final = Instrument(
    "messaging.process.duration",
    _HISTOGRAM,
    "s",
    "How long handlers of events took; `error.type` is missing where all went well.",
    (semantics.MESSAGING_DESTINATION_TEMPLATE, semantics.MESSAGING_CONSUMER_GROUP, semantics.ERROR_TYPE),
    (GATEWAY, RANKER, DISPATCHER, SCORER),
    _HANDLER_SECONDS,
)
QUEUE_PENDING: Final = Instrument(
    "dearena.queue.pending",
    _GAUGE,
    "{message}",
    "Messages that wait in a stream for their consumer.",
    (STREAM, CONSUMER),
    (GATEWAY, RANKER, DISPATCHER, SCORER),
)
QUEUE_IN_FLIGHT: Final = Instrument(
    "dearena.queue.in_flight",
    _GAUGE,
    "{message}",
    "Messages that a consumer holds and has not acknowledged.",
    (STREAM, CONSUMER),
    (GATEWAY, RANKER, DISPATCHER, SCORER),
)
DEAD_LETTERS: Final = Instrument(
    "dearena.dead_letters",
    _COUNTER,
    "{letter}",
    "Messages that could not be taken: `poison` never can be, `deliveries` failed too often.",
    (semantics.MESSAGING_DESTINATION_TEMPLATE, REASON),
    (GATEWAY, RANKER, DISPATCHER, SCORER),
)
OUTBOX_WAITING: Final = Instrument(
    "dearena.outbox.waiting",
    _GAUGE,
    "{event}",
    "Events that are written down and not yet on the bus.",
    (),
    (GATEWAY,),
)

CALL_DURATION: Final = Instrument(
    "gen_ai.client.operation.duration",
    _HISTOGRAM,
    "s",
    "How long a model's endpoint took to reply, or to fail: the last HTTP request of a call.",
    (
        semantics.GEN_AI_OPERATION_NAME,
        semantics.GEN_AI_PROVIDER_NAME,
        semantics.GEN_AI_REQUEST_MODEL,
        semantics.ERROR_TYPE,
    ),
    (GATEWAY,),
    _CALL_SECONDS,
)
TOKEN_USAGE: Final = Instrument(
    "gen_ai.client.token.usage",
    _HISTOGRAM,
    "{token}",
    "Tokens of a call that had a reply, `input` and `output`.",
    (INPUT_OR_OUTPUT, semantics.GEN_AI_REQUEST_MODEL),
    (GATEWAY,),
    _TOKENS,
)
CALLS: Final = Instrument(
    "dearena.calls",
    _COUNTER,
    "{call}",
    "Paid calls that have ended, by what for and how.",
    (*_MODEL, semantics.PURPOSE, STATE),
    (GATEWAY,),
)
CALLS_IN_FLIGHT: Final = Instrument(
    "dearena.calls.in_flight", _GAUGE, "{call}", "Calls at a model's endpoint now.", _MODEL, (GATEWAY,)
)
CALLS_WAITING: Final = Instrument(
    "dearena.calls.waiting", _GAUGE, "{call}", "Calls that wait for leave to be sent to a model.", _MODEL, (GATEWAY,)
)
MONEY_SPENT: Final = Instrument(
    "dearena.money.spent",
    _COUNTER,
    "{unit}",
    "What calls to a model did cost, in whole units of the currency.",
    (CURRENCY, *_MODEL, semantics.PURPOSE),
    (GATEWAY,),
)
DIMENSION_SPENT: Final = Instrument(
    "dearena.money.dimension_spent",
    _COUNTER,
    "{unit}",
    "What calls for a dimension did cost, in whole units of the currency.",
    (CURRENCY, *_DIMENSION),
    (GATEWAY,),
)
BUDGET_LIMIT: Final = Instrument(
    "dearena.budget.limit",
    _GAUGE,
    "{unit}",
    "What a budget allows, in whole units of its currency.",
    (semantics.PROJECT, SCOPE, BUDGET, CURRENCY),
    (GATEWAY,),
)
BUDGET_LEFT: Final = Instrument(
    "dearena.budget.left",
    _GAUGE,
    "{unit}",
    "What is neither spent nor reserved of a budget, in whole units of its currency; of a template, the least of those "
    "made of it.",
    (semantics.PROJECT, SCOPE, BUDGET, CURRENCY),
    (GATEWAY,),
)
ENDPOINT_OPEN: Final = Instrument(
    "dearena.endpoint.open",
    _GAUGE,
    "{breaker}",
    "1 while a model's endpoint is left alone because it fails, 0 while it is called.",
    _MODEL,
    (GATEWAY,),
)

VOTES: Final = Instrument(
    "dearena.votes",
    _COUNTER,
    "{vote}",
    "Outcomes of comparisons, by judge.",
    (semantics.PROJECT, semantics.JUDGE, semantics.OUTCOME),
    (DISPATCHER,),
)
DIMENSION_VOTES: Final = Instrument(
    "dearena.dimension.votes", _COUNTER, "{vote}", "Outcomes of comparisons, by dimension.", _DIMENSION, (DISPATCHER,)
)
LAST_VOTE: Final = Instrument(
    "dearena.vote.last_time", _GAUGE, "s", "Unix time of a dimension's last outcome.", _DIMENSION, (DISPATCHER,)
)
CELLS_IN_FLIGHT: Final = Instrument(
    "dearena.cells.in_flight",
    _GAUGE,
    "{cell}",
    "Comparisons that are taken up and have no outcome yet.",
    (),
    (DISPATCHER,),
)
CELL_DURATION: Final = Instrument(
    "dearena.cell.duration",
    _HISTOGRAM,
    "s",
    "How long a comparison took, from when its judge was asked to its outcome.",
    (),
    (DISPATCHER,),
    _CALL_SECONDS,
)

ROUNDS: Final = Instrument("dearena.rounds", _COUNTER, "{round}", "Rounds that were closed.", _DIMENSION, (RANKER,))
ROUND_DURATION: Final = Instrument(
    "dearena.round.duration",
    _HISTOGRAM,
    "s",
    "How long a round was open.",
    _DIMENSION,
    (RANKER,),
    _ROUND_SECONDS,
)
INSERTION_DURATION: Final = Instrument(
    "dearena.insertion.duration",
    _HISTOGRAM,
    "s",
    "How long an insertion took, from its begin to its settle.",
    _DIMENSION,
    (RANKER,),
    _INSERTION_SECONDS,
)
INSERTIONS_OPEN: Final = Instrument(
    "dearena.insertions.open",
    _GAUGE,
    "{insertion}",
    "Insertions that are not over: `seeding`, `coarse`, `fine`, and `held` ones that wait alone.",
    (*_DIMENSION, semantics.PHASE),
    (RANKER,),
)
INSERTION_IDLE: Final = Instrument(
    "dearena.insertion.idle",
    _GAUGE,
    "s",
    "How long the log of a dimension with an open insertion has not grown; 0 where none is open.",
    _DIMENSION,
    (RANKER,),
)
MODELS_RANKED: Final = Instrument(
    "dearena.models.ranked", _GAUGE, "{model}", "Models that have their place.", _DIMENSION, (RANKER,)
)
JUDGES_SUSPENDED: Final = Instrument(
    "dearena.judges.suspended", _GAUGE, "{judge}", "Judges that are suspended.", _DIMENSION, (RANKER,)
)
SHARDS: Final = Instrument(
    "dearena.shards",
    _GAUGE,
    "{shard}",
    "How many shards of dimensions there are, as a ranker knows that has this one, or `all`.",
    (SHARD,),
    (RANKER,),
)

FIT_DURATION: Final = Instrument(
    "dearena.fit.duration", _HISTOGRAM, "s", "How long a fit took.", _DIMENSION, (SCORER,), _FIT_SECONDS
)
BOARD_VERSION: Final = Instrument(
    "dearena.board.version", _GAUGE, "{round}", "The last round that is on the board.", _DIMENSION, (SCORER,)
)
BOARD_LAG: Final = Instrument(
    "dearena.board.lag", _GAUGE, "{round}", "Rounds that are closed and not on the board.", _DIMENSION, (SCORER,)
)

DIMENSIONS: Final = Instrument(
    "dearena.dimensions",
    _GAUGE,
    "{dimension}",
    "Dimensions, by state; pilots apart from the others.",
    (STATE,),
    (QUERY_SELECTOR,),
)
SELECTIONS_RUNNING: Final = Instrument(
    "dearena.selections.running",
    _GAUGE,
    "{selection}",
    "Selections of queries that run in this process.",
    (),
    (QUERY_SELECTOR,),
)

CATALOGUE: Final[Mapping[str, Instrument]] = {
    value.name: value for value in list(globals().values()) if isinstance(value, Instrument)
}
"""All of them, by name."""


def series_names() -> frozenset[str]:
    """Every name that a query of Prometheus may ask for."""
    return frozenset(name for instrument in CATALOGUE.values() for name in instrument.series_names)
