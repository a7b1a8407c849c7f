"""The arena as its users see it: contracts, client, command line, sparring models."""
