"""Prompts: which are asked most, and what each version costs in time, errors and tokens."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.elasticsearch import MetricAggregation

from panels import fields
from panels.queries import ask, by, calls, error_share, errors, percentiles, total
from panels.shaping import columns, properties

_ASKED: Final[list[MetricAggregation]] = [
    calls(),
    errors(),
    error_share(),
    percentiles("95"),
    total(fields.INPUT_TOKENS, "6"),
    total(fields.OUTPUT_TOKENS, "7"),
]
_COLUMNS: Final = {
    fields.PROMPT: "Prompt",
    fields.VERSION: "Version",
    "Count": "Calls",
    f"p95.0 {fields.DURATION}": "p95",
    f"Sum {fields.DURATION}": "Errors",  # the script's sum goes by the field that it rides on
    "Bucket Script": "Error rate",
    f"Sum {fields.INPUT_TOKENS}": "Tokens in",
    f"Sum {fields.OUTPUT_TOKENS}": "Tokens out",
}


def top() -> table.Panel:
    """The most called prompts, a line for each version."""
    versions = [by(fields.PROMPT, missing="(none)"), by(fields.VERSION, missing="(none)", identity="11")]
    return (
        table.Panel()
        .title("Top prompts")
        .with_target(ask(_ASKED, [*versions]))
        .transformations(columns(_COLUMNS))
        .sort_by([common.TableSortByFieldState().display_name("Calls").desc(True)])
        .cell_height(TableCellHeight.LG)
        .override_by_name("Calls", properties(custom_cellOptions={"type": "gauge", "mode": "basic"}, min=0))
        .override_by_name("p95", properties(unit="s", decimals=2))
        .override_by_name("Error rate", properties(unit="percentunit", decimals=1))
        .override_by_regexp("Tokens.*", properties(unit="short"))
    )
