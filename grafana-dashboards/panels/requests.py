"""The single requests: each row leads to its trace and to its record."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import elasticsearch as model

from panels import fields, links
from panels.queries import ask
from panels.shaping import columns, properties
from panels.variables import SLOWER

# Grafana fetches whole documents, so the number is what keeps this panel from being heavy.
ROWS: Final = "100"
_COLUMNS: Final = {
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
    fields.TRACE: "Trace",
    fields.RECORD: "Record",
}


def latest() -> table.Panel:
    """The latest of those that the variables choose."""
    documents = model.RawData(id_val="1", settings=model.ElasticsearchRawDataSettings(size=ROWS))
    return (
        table.Panel()
        .title("Requests")
        .description(f"The latest {ROWS}. A trace is there only if the sampler kept it; a record always is.")
        .with_target(ask([documents], [], only=f"{fields.DURATION}:>=${SLOWER}"))
        .transformations(columns(_COLUMNS))
        .filterable(True)
        .override_by_name("Took", properties(unit="s", decimals=3))
        .override_by_name("Trace", properties(links=[links.trace_in_grafana(), links.trace_in_jaeger()]))
        .override_by_name("Record", properties(links=[links.record(), links.content()]))
    )
