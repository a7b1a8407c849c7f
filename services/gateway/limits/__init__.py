"""How fast a model is called: rates, slots, pauses, and when it is left alone."""
