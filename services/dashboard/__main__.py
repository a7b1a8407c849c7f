"""Run the dashboard: `python -m services.dashboard`."""

import asyncio
import signal
import sys

from pydantic import ValidationError

from dearena.faults import InvalidField
from services.dashboard.dashboard import serving
from services.dashboard.settings import DashboardSettings
from services.runtime.lifecycle import configure_logging


async def run(settings: DashboardSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings) as url:
        sys.stdout.write(f"dashboard at {url}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Read the settings and serve; exit 1, with one sentence, where they are wrong or the address cannot be had."""
    try:
        settings = DashboardSettings()
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        sys.exit(f"the dashboard cannot start: {'; '.join(wrong)}")
    configure_logging(settings.log_level)
    try:
        asyncio.run(run(settings))
    except (OSError, InvalidField) as error:
        sys.exit(f"the dashboard cannot start: {error}")


if __name__ == "__main__":
    main()
