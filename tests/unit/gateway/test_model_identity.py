"""Which model ids name the same model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.model_identity import is_same_model


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4", "gpt-4-0613"),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("openai/gpt-4o", "gpt-4o-2024-08-06"),
        ("openai/gpt-4o", "openai/gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
        ("claude-3-5-sonnet", "claude-3-5-sonnet@20240620"),
        ("chatgpt-4o-latest", "chatgpt-4o-latest"),
        ("mistral-large-latest", "mistral-large-2407"),
        ("gemini-1.5-pro", "gemini-1.5-pro-002"),
        ("gemini-1.5-pro", "models/gemini-1.5-pro"),
        ("meta-llama/Llama-3-8B", "llama-3-8b"),
        ("llama-3-8b", "meta-llama/Llama-3-8B"),
        ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1"),
        ("qwen2.5", "qwen2.5:latest"),
        ("SmolLM2-135M-Instruct", "/models/SmolLM2-135M-Instruct.gguf"),
        ("model", ""),
        ("model", "  "),
    ],
)
def test_snapshots_and_owners_do_not_make_another_model(asked: str, said: str) -> None:
    assert is_same_model(asked, said)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o-mini", "gpt-4o"),
        ("gpt-4", "gpt-4-turbo"),
        ("gpt-4", "gpt-4.1"),
        ("gpt-4", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
        ("gpt-4o-2024-08-06", "gpt-4o"),  # whatever that is today
        ("o1", "o1-mini"),
        ("claude-3", "claude-3-5"),
        ("llama-3-8b", "llama-3-70b"),
        ("llama3:8b", "llama3:70b"),
        ("llama-3", "llama-3-8b"),
        ("qwen-2", "qwen-2-7"),
        ("meta-llama/llama-3-8b", "someone/llama-3-8b"),
        ("deepseek-r1", "deepseek-r1-distill-qwen-32b"),
        ("gemini-1.5-pro", "gemini-1.5-flash"),
        ("m", "gpt-3.5-turbo"),
    ],
)
def test_another_model_is_told(asked: str, said: str) -> None:
    assert not is_same_model(asked, said)


def test_an_owner_says_under_which_ids_a_deployment_answers() -> None:
    assert not is_same_model("our-deployment", "gpt-4o-2024-08-06")
    assert is_same_model("our-deployment", "gpt-4o-2024-08-06", ("gpt-4o",))
    assert not is_same_model("our-deployment", "gpt-4o-mini", ("gpt-4o",))


@given(name=st.text(min_size=1, max_size=64), other=st.text(alphabet="abcdefghijklmnop", min_size=1))
def test_a_model_is_itself_and_no_other_word(name: str, other: str) -> None:
    assert is_same_model(name, name)
    assert not is_same_model(f"{name}x", f"{name}x-{other}")
