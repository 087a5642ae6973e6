"""What to do when an alert fires, a text for each rule; the rules and the texts are in alerts/."""

from __future__ import annotations

from alerts.rule import Rule
from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models.text import TextMode


def runbook(rule: Rule) -> text.Panel:
    """The rule's runbook, whole, under its title."""
    return text.Panel().title(rule.title).mode(TextMode.MARKDOWN).content(rule.runbook)
