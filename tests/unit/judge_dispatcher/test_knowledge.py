"""What the dispatcher knows of others, asked before it was there: it is found once it comes."""

import json
from types import SimpleNamespace
from typing import Any, cast

import grpc.aio
import pytest

from dearena.faults import ArenaFault, UnknownModel
from dearena.judging.forms import Form
from dearena.judging.nonces import Codes
from dearena.judging.prompt import prompt_of
from dearena.judging.templates import PAIRWISE_1
from dearena.names import DimensionName
from dearena.rpc_faults import DETAILS_KEY, code_of, status_of
from dearena.v1 import gateway_pb2 as pb
from services.judge_dispatcher.judges import Judges, form_of
from services.judge_dispatcher.texts import DimensionVersion, Texts

DIMENSION = DimensionVersion(DimensionName("p", "algebra"), 1)


def raised(fault: ArenaFault) -> grpc.aio.AioRpcError:
    """A fault as a caller of a service meets it."""
    details = grpc.aio.Metadata((DETAILS_KEY, status_of(fault).SerializeToString()))
    return grpc.aio.AioRpcError(code_of(fault), grpc.aio.Metadata(), details, str(fault))


class Gateway:
    """Models and answers that may come later."""

    def __init__(self) -> None:
        self.model: pb.Model | None = None
        self.answers: list[pb.Answer] = []

    async def GetModel(self, _request: pb.GetModelRequest) -> pb.GetModelResponse:
        if self.model is None:
            raise raised(UnknownModel("no such model"))
        return pb.GetModelResponse(model=self.model)

    async def ListAnswers(self, _request: pb.ListAnswersRequest) -> pb.ListAnswersResponse:
        return pb.ListAnswersResponse(answers=self.answers)


def peers_of(gateway: Gateway) -> Any:
    return cast(Any, SimpleNamespace(gateway=gateway))


@pytest.mark.parametrize("revision_before", [None, 1])
async def test_a_judge_asked_before_it_is_registered_is_then_asked_in_its_own_form(revision_before: int | None) -> None:
    gateway = Gateway()
    if revision_before:
        gateway.model = pb.Model(revision=revision_before)
    judges = Judges(peers_of(gateway))
    assert await judges.forms("p", "gamma@2") == (Form.LINE,)
    gateway.model = pb.Model(revision=2, endpoint=pb.Endpoint(structured_output=True))
    assert await judges.forms("p", "gamma@2") == (Form.JSON,)


@pytest.mark.parametrize(
    ("endpoint", "form"),
    [
        (pb.Endpoint(), Form.LINE),
        (pb.Endpoint(length_limits=True), Form.LINE),
        (pb.Endpoint(structured_output=True), Form.JSON),
        (pb.Endpoint(structured_output=True, length_limits=True), Form.BOUNDED_JSON),
    ],
)
def test_a_schema_limits_lengths_only_where_the_endpoint_is_said_to_take_that(
    endpoint: pb.Endpoint, form: Form
) -> None:
    assert form_of(endpoint) is form
    codes = Codes("0" * 16, "1" * 16)
    prompt = prompt_of(PAIRWISE_1, form, codes, turns=["?"], first="a", second="b")
    assert ("maxLength" in json.dumps(prompt.schema)) is (form is Form.BOUNDED_JSON)


async def test_an_answer_given_after_it_was_asked_for_is_shown() -> None:
    gateway = Gateway()
    texts = Texts(peers_of(gateway), cache_bytes=1_000_000)
    assert await texts.sample_answer(DIMENSION, "gamma@1", "q") is None
    gateway.answers = [pb.Answer(query_id="q", text="42", state=pb.ANSWER_STATE_USABLE)]
    assert await texts.sample_answer(DIMENSION, "gamma@1", "q") == ("42",)


async def test_replies_are_shown_apart_and_an_answer_kept_as_one_text_as_it_is() -> None:
    gateway = Gateway()
    heads = "[Reply to turn 1]\n42\n\n[Reply to turn 2]\n21"
    usable = pb.ANSWER_STATE_USABLE
    gateway.answers = [
        pb.Answer(query_id="new", text=heads, replies=["42", "21"], answer_hash="n", state=usable),
        pb.Answer(query_id="old", text=heads, answer_hash="o", state=usable),
    ]
    texts = Texts(peers_of(gateway), cache_bytes=1_000_000)
    assert await texts.answer(DIMENSION, "gamma@1", "new", "n") == ("42", "21")
    assert await texts.answer(DIMENSION, "gamma@1", "old", "o") == (heads,)
