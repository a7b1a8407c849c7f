"""What the gateway counts: calls and their money, as the ledger has them."""

from typing import Final

from services.gateway.calls import Call, Completion, Delivery
from services.gateway.failures import Failure
from services.gateway.pricing import NANO_UNITS
from services.runtime import instruments, metrics, semantics

OTHER_PROVIDER: Final = "openai-compatible"
"""Of a model whose provider nobody has named."""


def count_delivery(call: Call, delivery: Delivery) -> None:
    """An endpoint has taken a call, or failed to; within the call's span, so that the values name its trace."""
    model = {semantics.GEN_AI_REQUEST_MODEL: call.spec.endpoint.upstream_model}
    result = delivery.result
    if delivery.http_requests:
        attributes = {
            semantics.GEN_AI_OPERATION_NAME: "chat",
            semantics.GEN_AI_PROVIDER_NAME: call.spec.provider or OTHER_PROVIDER,
            **model,
        }
        if isinstance(result, Failure):
            attributes[semantics.ERROR_TYPE] = str(result.kind)
        metrics.record(instruments.CALL_DURATION, delivery.latency.total_seconds(), attributes)
    if result.usage is not None:
        for kind, tokens in (("input", result.usage.input_tokens), ("output", result.usage.output_tokens)):
            metrics.record(instruments.TOKEN_USAGE, tokens, {instruments.INPUT_OR_OUTPUT: kind, **model})


def count_call(call: Call, completion: Completion) -> None:
    """The end of a call is on record, as this gateway has written it."""
    purpose, model = str(call.purpose).lower(), call.model.slug
    metrics.record(
        instruments.CALLS,
        1,
        {
            semantics.PROJECT: call.project,
            semantics.MODEL: model,
            semantics.PURPOSE: purpose,
            instruments.STATE: str(completion.state).lower(),
        },
    )
    if completion.cost is None:
        return
    units = completion.cost.nano_units / NANO_UNITS
    where = {instruments.CURRENCY: completion.cost.currency, semantics.PROJECT: call.project}
    metrics.record(instruments.MONEY_SPENT, units, {**where, semantics.MODEL: model, semantics.PURPOSE: purpose})
    if call.dimension:
        metrics.record(instruments.DIMENSION_SPENT, units, {**where, semantics.DIMENSION: call.dimension})
