"""Two real language models that any machine can run, the sparring models beside them, and what all are asked. Pure.

As judges both are near chance: what they show is that the arena can speak with a real server, read every verdict,
and say of a judge that it mostly likes what it reads first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration

from dearena.v1 import common_pb2, gateway_pb2

Question = Mapping[str, str]
"""id, text and reference, as in a pool's line."""

SPARRING: Final = ("amber", "birch", "cedar")
"""Upstream ids in a planted world, whose judges are sharper than any model of this size."""
COHORT: Final = "llm"

ANSWER_TOKENS: Final = 128
JUDGE_TOKENS: Final = 384
"""Of a verdict as JSON: 200 characters of reasoning take at most as many tokens, and white space some more."""
CONCURRENCY: Final = 2
"""Calls in flight a real model: as many as its server decodes at once."""
TIMEOUT_SECONDS: Final = 300
"""Of one call: some seconds on a core of its own, and cores may be shared."""

_FACTS: Final = (
    ("What is the capital of France?", "Paris"),
    ("What is 7 plus 5?", "12"),
    ("Name one animal that can fly.", "any that can: an eagle, a bat, a bee"),
    ("What colour is the sky on a clear day?", "blue"),
    ("How many days does a week have?", "7"),
    ("What do bees make?", "honey"),
    ("Which planet is closest to the sun?", "Mercury"),
    ("What is the opposite of hot?", "cold"),
    ("What is frozen water called?", "ice"),
    ("Who wrote Romeo and Juliet?", "William Shakespeare"),
)


@dataclass(frozen=True, slots=True)
class RealModel:
    """A model that the servers of llama_server.py know."""

    slug: str
    """Also the model id at its server."""
    display_name: str
    provider: str
    answer_body: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the request for an answer."""


REAL_MODELS: Final = (
    RealModel("smollm2-135m-instruct", "SmolLM2 135M Instruct", "huggingface"),
    # A base model goes on with the next question, and the next: its answer is the first line.
    RealModel("gemma-3-270m", "Gemma 3 270M (base)", "google", {"stop": ["\n"]}),
)


def questions() -> Sequence[Question]:
    """Questions with answers so short that a very small model comes to its end before it loses its way."""
    return [
        {"id": f"fact-{number:02}", "text": f"{text} Answer in one short sentence.", "reference": reference}
        for number, (text, reference) in enumerate(_FACTS, start=1)
    ]


def registered(model: RealModel, name: str, base_url: str) -> gateway_pb2.Model:
    """The message that registers a real model.

    Args:
        name: projects/{project}/models/{slug}.
        base_url: of its server, with /v1.
    """
    answering = common_pb2.GenerationParameters(temperature=0, max_tokens=ANSWER_TOKENS)
    if model.answer_body:
        answering.extra_body.update(model.answer_body)
    return gateway_pb2.Model(
        name=name,
        display_name=model.display_name,
        provider=model.provider,
        family=model.slug,
        endpoint=gateway_pb2.Endpoint(
            base_url=base_url, upstream_model=model.slug, structured_output=True, length_limits=True
        ),
        answer_parameters=answering,
        judge_parameters=common_pb2.GenerationParameters(temperature=0, max_tokens=JUDGE_TOKENS),
        concurrency=CONCURRENCY,
        timeout=Duration(seconds=TIMEOUT_SECONDS),
        cohort=COHORT,
    )


def sparring(slug: str, name: str, base_url: str) -> gateway_pb2.Model:
    """The message that registers a planted model; `base_url` is that of its world."""
    return gateway_pb2.Model(
        name=name,
        provider="dearena",
        endpoint=gateway_pb2.Endpoint(base_url=base_url, upstream_model=slug, sparring=True),
        cohort=COHORT,
    )
