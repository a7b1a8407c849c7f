"""The shell that every service shares: settings, lifecycle, bus, store, rpc, telemetry. It knows no domain."""
