"""The model gateway: which models there are, what they answered, what every call cost."""
