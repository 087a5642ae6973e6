"""Prompts: which are asked most, and what each costs in time, errors, tokens and money."""

from __future__ import annotations

from grafana_foundation_sdk.builders import table

from panels import fields, links
from panels.figures import OF_CALLS, side_by_side


def top() -> table.Panel:
    """The most called prompts, a line for each version."""
    groups = {fields.PROMPT: "Prompt", fields.VERSION: "Version"}
    return side_by_side("Top prompts", groups, OF_CALLS, links={"Prompt": [links.requests_of("prompt")]})


def similar() -> table.Panel:
    """The same of prompts that begin alike, whether they have a name or not."""
    groups = {fields.FINGERPRINT: "Fingerprint", fields.PROMPT: "Prompt"}
    panel = side_by_side("Similar prompts", groups, OF_CALLS, links={"Fingerprint": [links.records_like()]})
    return panel.description("Prompts that begin alike, by fingerprint; those made from one template are one line.")
