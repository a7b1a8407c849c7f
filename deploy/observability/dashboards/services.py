"""The services: whether they are there, how they answer, and what waits between them."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.observability.dashboards.parts import HALF, Query, begin, lines, row, rows, variable
from deploy.observability.dashboards.queries import FAULT, chosen, greatest, grown, quantile, rate, share
from services.runtime import instruments as of
from services.runtime import semantics
from services.runtime.instruments import label_of, prometheus_name

_QUEUE: Final = (of.STREAM, of.CONSUMER)
_SHARD: Final = label_of(of.SHARD)
_GROUP: Final = (semantics.MESSAGING_CONSUMER_GROUP,)


def _called(*attributes: str) -> str:
    return " ".join(f"{{{{{label_of(one)}}}}}" for one in attributes)


def build() -> Dashboard:
    """The dashboard *Services*."""
    calls, faults = chosen(of.RPC_DURATION, "job"), chosen(of.RPC_DURATION, "job", where=FAULT)
    handled = chosen(of.PROCESS_DURATION, "job")
    failed = chosen(of.PROCESS_DURATION, "job", where=f'{label_of(semantics.ERROR_TYPE)}!~"|again"')
    board = begin(
        "dearena-services", "Services", "Whether they answer, and what waits.", "dearena.gateway"
    ).with_variable(variable("job", "Service", "label_values(target_info, job)"))
    board = (
        board.with_row(row("Calls"))
        .with_panel(
            lines(
                "Processes",
                "That send metrics, by service, and shards that have a ranker. One that ended stays for two minutes.",
                "none",
                Query('count by (job) (target_info{job=~"$job"})', "{{job}}"),
                Query(f'count(count by ({_SHARD}) ({prometheus_name(of.SHARDS)}{{job=~"$job"}}))', "shards"),
            )
        )
        .with_panel(
            lines("Calls", "A second, by service.", "reqps", Query(rate(of.RPC_DURATION, ("job",), calls), "{{job}}"))
        )
        .with_panel(
            lines(
                "Failed calls",
                "Share that ended with a fault of ours. From one in twenty on, CallsFail.",
                "percentunit",
                Query(
                    share(rate(of.RPC_DURATION, ("job",), faults), rate(of.RPC_DURATION, ("job",), calls)), "{{job}}"
                ),
                most=1,
            )
        )
        .with_panel(
            lines(
                "How long calls take",
                "By service, without those that watch: 19 of 20 are quicker. The dots lead to traces.",
                "s",
                Query(
                    quantile(
                        0.95,
                        of.RPC_DURATION,
                        ("job",),
                        chosen(of.RPC_DURATION, "job", where=f'{label_of(of.RPC_METHOD)}!~"Watch.*"'),
                    ),
                    "{{job}}",
                ),
                exemplars=True,
                width=HALF,
            )
        )
        .with_panel(
            rows(
                "Methods",
                "Calls in the time shown, and those among them that failed by a fault of ours.",
                (Query(grown(of.RPC_DURATION, ("job", of.RPC_METHOD), calls), "Calls"), "none"),
                (Query(grown(of.RPC_DURATION, ("job", of.RPC_METHOD), faults), "Failed"), "none"),
                names={"job": "Service", label_of(of.RPC_METHOD): "Method"},
            )
        )
    )
    board = (
        board.with_row(row("Queues"))
        .with_panel(
            lines(
                "Waiting messages",
                "Of each consumer. More than 1,000 events for long: QueueLags.",
                "none",
                Query(greatest(of.QUEUE_PENDING, _QUEUE, chosen(of.QUEUE_PENDING, "job")), _called(*_QUEUE)),
            )
        )
        .with_panel(
            lines(
                "Messages held",
                "Taken, and not yet done with.",
                "none",
                Query(greatest(of.QUEUE_IN_FLIGHT, _QUEUE, chosen(of.QUEUE_IN_FLIGHT, "job")), _called(*_QUEUE)),
            )
        )
        .with_panel(
            lines(
                "Messages handled",
                "A second, by consumer, well or not.",
                "ops",
                Query(rate(of.PROCESS_DURATION, _GROUP, handled), _called(*_GROUP)),
            )
        )
        .with_panel(
            lines(
                "How long messages take",
                "By consumer: 19 of 20 are quicker. Those for judges take as long as judges. The dots lead to traces.",
                "s",
                Query(quantile(0.95, of.PROCESS_DURATION, _GROUP, handled), _called(*_GROUP)),
                exemplars=True,
            )
        )
        .with_panel(
            lines(
                "Failed messages",
                "Share that could not be handled and come again. From a fifth on, HandlersFail.",
                "percentunit",
                Query(
                    share(rate(of.PROCESS_DURATION, _GROUP, failed), rate(of.PROCESS_DURATION, _GROUP, handled)),
                    _called(*_GROUP),
                ),
                most=1,
            )
        )
        .with_panel(
            lines(
                "Failed messages by kind",
                "A second, by what they were about and how they failed.",
                "ops",
                Query(
                    rate(
                        of.PROCESS_DURATION,
                        (semantics.MESSAGING_DESTINATION_TEMPLATE, semantics.ERROR_TYPE),
                        failed,
                    ),
                    _called(semantics.MESSAGING_DESTINATION_TEMPLATE, semantics.ERROR_TYPE),
                ),
            )
        )
        .with_panel(
            rows(
                "Dead letters",
                "Messages that could not be taken in the time shown.",
                (
                    Query(grown(of.DEAD_LETTERS, (semantics.MESSAGING_DESTINATION_TEMPLATE, of.REASON)), "Letters"),
                    "none",
                ),
                names={
                    label_of(semantics.MESSAGING_DESTINATION_TEMPLATE): "Subject",
                    label_of(of.REASON): "Reason",
                },
            )
        )
        .with_panel(
            lines(
                "Events not yet sent",
                "Written down, and not yet on the bus. From a hundred on, OutboxGrows.",
                "none",
                Query(greatest(of.OUTBOX_WAITING, ("job",), chosen(of.OUTBOX_WAITING, "job")), "{{job}}"),
                width=HALF,
            )
        )
    )
    return board.build()
