"""LiteLLM's proxy as a process, one worker, in front of one model."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import yaml

from dearena.local.servers import tail_of

START_SECONDS: Final = 300.0
"""It imports much, and longer on a busy machine."""
STOP_SECONDS: Final = 10.0

_ENVIRONMENT: Final = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    # Prices from the package, not from the web.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Without a key to check and a database to write, it has the least to do.
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that serves."""

    url: str
    pid: int


@asynccontextmanager
async def proxy(python: Path, folder: Path, *, port: int, model: str, base_url: str) -> AsyncIterator[Proxy]:
    """Run the proxy until the end of the block.

    Args:
        python: of the environment that it is installed in.
        folder: for its settings and its log.
        port: free on loopback.
        model: its name at the proxy and at the endpoint.
        base_url: of the endpoint.

    Raises:
        RuntimeError: it does not serve; with the end of its log.
    """
    config = folder / "litellm.yaml"
    upstream = {"model": f"openai/{model}", "api_base": base_url, "api_key": "none"}
    config.write_text(yaml.safe_dump({"model_list": [{"model_name": model, "litellm_params": upstream}]}), "utf-8")
    log = folder / "litellm.log"
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - our own command, and it returns at once
            [*command, "--num_workers", "1", "--telemetry", "False"],
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _serves(process, url, log)
        yield Proxy(url, process.pid)
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _serves(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as session:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                async with session.get(f"{url}/health/liveliness") as reply:
                    if reply.ok:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)
    raise RuntimeError(f"the proxy does not serve\n{tail_of(log)}")
