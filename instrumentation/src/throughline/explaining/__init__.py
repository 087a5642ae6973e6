"""Debugging by record: what sets one request apart from its peers, and two requests beside each other; no commands."""
