"""The single requests: each row leads to its trace, to its record, and to others of its user, prompt and model."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models.common import DataSourceRef

from panels import fields, links, sources
from panels.drawing import ROWS, documents
from panels.shaping import properties
from panels.variables import SLOWER

COLUMNS: Final = {
    fields.TIME: "Ended",
    fields.DURATION: "Took",
    fields.ERROR: "Error",
    fields.SERVICE: "Service",
    fields.MODEL: "Model",
    fields.PROMPT: "Prompt",
    fields.VERSION: "Version",
    fields.VARIANT: "Variant",
    fields.USER: "User",
    fields.INPUT_TOKENS: "Tokens in",
    fields.OUTPUT_TOKENS: "Tokens out",
    fields.COST: "Cost",
    fields.TRACE: "Trace",
    fields.RECORD: "Record",
}


def latest() -> table.Panel:
    """The latest of those that the variables choose."""
    # The nought makes a number of what somebody emptied, and no other number of one that he wrote.
    panel = documents("Requests", COLUMNS, only=f"{fields.DURATION}:>=0${{{SLOWER}}}")
    return leading_on(panel).description(
        f"The latest {ROWS}. A trace is there only if the sampler kept it; a record always is."
    )


def leading_on(panel: table.Panel, source: DataSourceRef = sources.RECORDS) -> table.Panel:
    """A table of records, with the ways on from each of its cells."""
    for heading, choice in (("User", "user"), ("Prompt", "prompt"), ("Model", "model")):
        ways = [links.requests_of(choice), links.records_of(choice)]
        panel = panel.override_by_name(heading, properties(links=ways))
    return (
        panel.override_by_name("Took", properties(unit="s", decimals=3))
        .override_by_name(
            "Trace", properties(links=[links.request(), links.trace_in_grafana(), links.trace_in_jaeger()])
        )
        .override_by_name("Record", properties(links=[links.record(source), links.content()]))
    )
