"""The arena on one machine: real servers from packages, the services as processes, nothing installed elsewhere."""
