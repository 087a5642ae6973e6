"""Steps: which take the time and which fail, over records and operations together; of no single request."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, piechart, table, timeseries
from grafana_foundation_sdk.models.common import StackingMode

from panels import fields, sources
from panels.drawing import lines, ring, stacked
from panels.figures import CALLS, ERROR_RATE, ERRORS, P50, P95, Figure, side_by_side
from panels.queries import ask, by, calls, each_over_time, error_share, errors, term, total
from panels.variables import FILTER

# These enclose other steps, so that their time is no step's own.
ENCLOSING: Final = ("invoke_agent", "invoke_workflow", "create_agent")
STEPS: Final = f"NOT {fields.OPERATION}:({' OR '.join(ENCLOSING)})"
_NAME: Final = term(fields.OPERATION)
_GROUPS: Final = {fields.OPERATION: "Step"}
_FIGURES: Final = (
    CALLS,
    Figure("mean", None, "avg", fields.DURATION),
    Figure("time", "Time in all", "bucket_script", script="params.mean * params.calls", look={"unit": "s"}),
    P50,
    P95,
    ERRORS,
    ERROR_RATE,
)


def shares() -> piechart.Panel:
    """Which step takes which share of the time that all of them take."""
    return shares_of("Share of time by step", FILTER).description(
        "Agents and workflows enclose steps, and are none. Steps that run at the same time count each."
    )


def shares_of(title: str, of: str) -> piechart.Panel:
    """The same of what the filter leaves."""
    query = ask(
        [total(fields.DURATION, "1")], [by(fields.OPERATION, size=20)], of=of, only=STEPS, source=sources.OPERATIONS
    )
    return ring(title, query, {fields.OPERATION: "Step", "Sum": "Took"}, nothing="no steps").unit("s")


def table_of_steps() -> table.Panel:
    """How often and how long each step runs, and how often it fails."""
    return side_by_side("Steps", _GROUPS, _FIGURES, of=FILTER, only=STEPS, source=sources.OPERATIONS)


def shares_over_time() -> timeseries.Panel:
    """The same shares, moment by moment."""
    query = ask(
        [total(fields.DURATION, "1")],
        each_over_time(fields.OPERATION),
        of=FILTER,
        only=STEPS,
        source=sources.OPERATIONS,
        alias=_NAME,
    )
    panel = stacked("Share of time over time", query, unit="s")
    return panel.stacking(common.StackingConfig().mode(StackingMode.PERCENT).group("A"))


def failures_over_time() -> timeseries.Panel:
    """Which step fails, when."""
    only = f"{STEPS} AND _exists_:{fields.ERROR}"
    query = ask(
        [calls()], each_over_time(fields.OPERATION), of=FILTER, only=only, source=sources.OPERATIONS, alias=_NAME
    )
    return stacked("Failures by step", query)


def failure_rate_over_time() -> timeseries.Panel:
    """Which share of each step fails, when."""
    query = ask(
        [calls(hide=True), errors(hide=True), error_share()],
        each_over_time(fields.OPERATION),
        of=FILTER,
        only=STEPS,
        source=sources.OPERATIONS,
        alias=_NAME,
    )
    return lines("Failure rate by step", query, unit="percentunit")
