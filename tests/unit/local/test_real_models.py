"""How small real models are registered, and with what their servers are started."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf import json_format

from dearena.local import llama_server, llm_servers, real_models
from dearena.local.servers import ServerMissing

SMOLLM2, GEMMA = real_models.REAL_MODELS


def library() -> Any:
    """Stands in for the server's library, which is not installed here."""

    def settings() -> SimpleNamespace:
        return SimpleNamespace(
            model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace(), chat_template=""
        )

    return SimpleNamespace(CommonParams=settings)


def test_every_real_model_is_served_under_its_slug() -> None:
    assert {model.slug for model in real_models.REAL_MODELS} == set(llama_server.WEIGHTS)


def test_calls_in_flight_are_no_more_than_a_server_decodes_at_once() -> None:
    assert real_models.CONCURRENCY <= llama_server.PARALLEL
    assert real_models.ANSWER_TOKENS < llama_server.CONTEXT_TOKENS
    assert real_models.JUDGE_TOKENS < llama_server.CONTEXT_TOKENS


@pytest.mark.parametrize(("model", "template"), [(SMOLLM2, ""), (GEMMA, llama_server.PLAIN_CHAT)])
def test_a_base_model_is_given_a_chat_template_and_any_model_one_thread(
    model: real_models.RealModel, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_server, "WEIGHTS", {model.slug: lambda: Path("weights.gguf")})
    found = llama_server.settings_of(model.slug, 20_001, library())
    assert found.chat_template == template
    assert found.cpuparams.n_threads == found.cpuparams_batch.n_threads == 1
    assert found.hostnames == ["127.0.0.1"]
    assert found.model.path == "weights.gguf"
    # Of all calls together: each has its share of the context.
    assert found.n_ctx == found.n_parallel * llama_server.CONTEXT_TOKENS


def test_only_verdicts_are_asked_for_by_schema_and_only_a_base_model_stops_at_a_line() -> None:
    base, tuned = (
        real_models.registered(model, f"projects/default/models/{model.slug}", "http://127.0.0.1:1/v1")
        for model in (GEMMA, SMOLLM2)
    )
    assert base.endpoint.structured_output
    assert tuned.endpoint.structured_output
    # So small a model would run on.
    assert base.endpoint.length_limits
    assert tuned.endpoint.length_limits
    assert json_format.MessageToDict(base.answer_parameters.extra_body) == {"stop": ["\n"]}
    # JSON may have lines of its own.
    assert "stop" not in base.judge_parameters.extra_body
    assert "stop" not in tuned.answer_parameters.extra_body
    assert base.endpoint.upstream_model == GEMMA.slug


def test_questions_have_ids_of_their_own_and_a_reference() -> None:
    asked = real_models.questions()
    assert len({question["id"] for question in asked}) == len(asked)
    assert all(question["reference"] for question in asked)


def test_a_server_is_told_its_owner_and_started_by_a_python_that_is_not_resolved(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    found = llm_servers.command(python, "gemma-3-270m", 20_001)
    assert found[0] == str(python)
    assert found[2:6] == ["--model", "gemma-3-270m", "--port", "20001"]


async def test_without_the_environment_it_is_said_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ServerMissing, match="make run-llm"):
        async with llm_servers.serving(["gemma-3-270m"], tmp_path, tmp_path / "python"):
            pass
