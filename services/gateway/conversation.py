"""How a query of one or more turns is put to a model, and what its answer is then. Pure.

Each turn is a call of its own, with the model's replies so far before it. The last call bears the request id
of the answer; the earlier ones have ids derived from it.
"""

from collections.abc import Sequence

from dearena.identity import Digest, digest_of
from services.gateway.chat import Message


def messages_of(system_prompt: str, turns: Sequence[str], replies: Sequence[str]) -> list[Message]:
    """The conversation up to the first turn without a reply."""
    messages = [Message("system", system_prompt)] if system_prompt else []
    for turn, reply in zip(turns, replies, strict=False):
        messages += [Message("user", turn), Message("assistant", reply)]
    return [*messages, Message("user", turns[len(replies)])]


def turn_request_id(answer_request_id: Digest, turn: int, turns: int) -> Digest:
    """Identity of the call for one turn, counted from 0."""
    if turn == turns - 1:
        return answer_request_id
    return digest_of({"answer": answer_request_id, "turn": turn})
