"""The most that a call can cost, before it is made. Pure.

A token stands for at least one byte of UTF-8, so a prompt has no more tokens than bytes, and some more that the
endpoint's own template puts round each message. Further members of the body, such as tools and documents, may be put
into the prompt too. What the model writes, thinking included, ends at the limit that the call sends along. At most one
HTTP reply of a call tells of usage, for none that does is asked for again; so it is the price of one reply.
"""

import json
from collections.abc import Sequence
from typing import Final

from services.gateway.chat import MAX_TOKENS, Message, Parameters
from services.gateway.pricing import TOKENS_PER_PRICE, Price

TEMPLATE_TOKENS: Final = 128
"""Round each message, and once round them all: names of roles, marks of begin and end, and what some templates say at
the top by themselves; common ones take ten to sixty."""


class NoLimit(ValueError):
    """Output is priced, and the parameters do not say how much of it there may be."""


def most_cost(price: Price, messages: Sequence[Message], parameters: Parameters, *, schema_bytes: int = 0) -> int:
    """Billionths of the price's currency, rounded up; 0 where nothing is priced.

    Args:
        price: of the model.
        messages: what is sent.
        parameters: as they are sent.
        schema_bytes: of a JSON schema, which some endpoints put into the prompt.

    Raises:
        NoLimit: nobody knows.
    """
    nano_tokens = 0
    if (of_input := price.per_million_input_tokens) is not None:
        nano_tokens += of_input.nano_units * (
            most_input_tokens(messages) + schema_bytes + most_further_tokens(parameters)
        )
    if (of_output := price.per_million_output_tokens) is not None and of_output.nano_units:
        if MAX_TOKENS not in parameters:
            raise NoLimit
        nano_tokens += of_output.nano_units * (parameters[MAX_TOKENS] + parameters.get("reasoning_tokens", 0))
    return -(-nano_tokens // TOKENS_PER_PRICE)


def most_input_tokens(messages: Sequence[Message]) -> int:
    """Of a prompt."""
    return sum(len(message.content.encode()) + TEMPLATE_TOKENS for message in messages) + TEMPLATE_TOKENS


def most_further_tokens(parameters: Parameters) -> int:
    """Of further members of the body, as far as they get into the prompt: all of them may."""
    further = parameters.get("extra_body")
    return len(json.dumps(further, ensure_ascii=False).encode("utf-8", "surrogatepass")) if further else 0
