"""Usage: how many calls a second, how many tokens, of which model."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.models.common import GraphDrawStyle, StackingMode

from panels import fields
from panels.latency import legend
from panels.queries import FINEST, ask, by, calls, over_time, per_second, percentiles, total
from panels.shaping import columns, properties

_MODEL_COLUMNS: Final = {
    fields.MODEL: "Model",
    "Count": "Calls",
    f"p95.0 {fields.DURATION}": "p95",
    f"Sum {fields.INPUT_TOKENS}": "Tokens in",
    f"Sum {fields.OUTPUT_TOKENS}": "Tokens out",
}


def rate() -> timeseries.Panel:
    """Calls a second, by service."""
    return (
        timeseries.Panel()
        .title("Request rate")
        .interval(FINEST)
        .with_target(
            ask(
                [calls(hide=True), per_second()],
                [by(fields.SERVICE), over_time()],
                alias=f"{{{{term {fields.SERVICE}}}}}",
            )
        )
        .unit("reqps")
        .min(0)
        .legend(legend("mean", "max"))
    )


def tokens() -> timeseries.Panel:
    """Tokens sent and received in each moment."""
    return (
        timeseries.Panel()
        .title("Tokens")
        .interval(FINEST)
        .with_target(ask([total(fields.INPUT_TOKENS, "1")], [over_time()], alias="Input", name="A"))
        .with_target(ask([total(fields.OUTPUT_TOKENS, "1")], [over_time()], alias="Output", name="B"))
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
        .unit("short")
        .min(0)
        .legend(legend("sum"))
    )


def by_model() -> table.Panel:
    """What each model was asked and gave over the whole of the chosen time."""
    return (
        table.Panel()
        .title("Models")
        .with_target(
            ask(
                [calls(), percentiles("95"), total(fields.INPUT_TOKENS, "6"), total(fields.OUTPUT_TOKENS, "7")],
                [by(fields.MODEL, missing="(none)")],
            )
        )
        .transformations(columns(_MODEL_COLUMNS))
        .sort_by([common.TableSortByFieldState().display_name("Calls").desc(True)])
        .override_by_name("p95", properties(unit="s", decimals=2))
        .override_by_regexp("Tokens.*", properties(unit="short"))
    )
