"""The arena in plain memory: what a jury costs and how well it ranks, tried before anybody is paid. Pure."""
