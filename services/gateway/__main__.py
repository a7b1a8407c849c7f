"""Run the gateway: `python -m services.gateway`."""

from services.gateway.room import build
from services.gateway.settings import GatewaySettings
from services.runtime.lifecycle import main

main("gateway", GatewaySettings, build)
