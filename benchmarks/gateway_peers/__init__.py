"""What the gateway is measured beside: LiteLLM's proxy, and two bare clients, in an environment of their own."""
