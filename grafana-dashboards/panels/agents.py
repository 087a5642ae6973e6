"""Agents and their tools: how often they run, how long, with how many calls, and what fails."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model

from panels import fields, links, sources
from panels.drawing import documents, lines, stacked
from panels.figures import CALLS, ERROR_RATE, ERRORS, P50, P95, Figure, side_by_side
from panels.queries import ask, calls, each_over_time, over_time, percentiles, term
from panels.shaping import properties
from panels.variables import FILTER, chosen

_FILTER: Final = f"{FILTER} AND {chosen(('conversation',))}"
_RUNS: Final = f"{fields.OPERATION}:(invoke_agent OR invoke_workflow)"
_TOOLS: Final = f"{fields.OPERATION}:execute_tool"
_RUN: Final = Figure(CALLS.key, "Runs", CALLS.kind, look=CALLS.look)
_A_RUN: Final = (
    Figure("models", "Model calls a run", "avg", fields.MODEL_CALLS, look={"decimals": 1}),
    Figure("tools", "Tools a run", "avg", fields.TOOL_CALLS, look={"decimals": 1}),
    Figure("tokens", "Tokens out a run", "avg", fields.TOTAL_TOKENS_OUT, look={"decimals": 0}),
    Figure("cost", "Cost a run", "avg", fields.TOTAL_COST, look={"decimals": 4}),
)
_COLUMNS: Final = {
    fields.TIME: "Ended",
    fields.AGENT: "Agent",
    fields.WORKFLOW: "Workflow",
    fields.CONVERSATION: "Conversation",
    fields.USER: "User",
    fields.DURATION: "Took",
    fields.ERROR: "Error",
    fields.MODEL_CALLS: "Model calls",
    fields.TOOL_CALLS: "Tools",
    fields.TOTAL_TOKENS_IN: "Tokens in",
    fields.TOTAL_TOKENS_OUT: "Tokens out",
    fields.TOTAL_COST: "Cost",
    fields.TRACE: "Trace",
    fields.RECORD: "Record",
}


def agents() -> table.Panel:
    """Each agent and workflow: its runs, and what one of them takes."""
    groups = {fields.AGENT: "Agent", fields.WORKFLOW: "Workflow"}
    figures = (_RUN, P50, P95, ERRORS, ERROR_RATE, *_A_RUN)
    return side_by_side("Agents and workflows", groups, figures, of=_FILTER, only=_RUNS, source=sources.OPERATIONS)


def tools() -> table.Panel:
    """Each tool: how often it runs, how long, and how often it fails."""
    figures = (CALLS, P50, P95, ERRORS, ERROR_RATE)
    return side_by_side("Tools", {fields.TOOL: "Tool"}, figures, of=_FILTER, only=_TOOLS, source=sources.OPERATIONS)


def tool_failures() -> table.Panel:
    """What goes wrong with which."""
    groups = {fields.TOOL: "Tool", fields.ERROR: "Error"}
    return side_by_side("Tools by error", groups, (CALLS,), of=_FILTER, only=_TOOLS, source=sources.OPERATIONS)


def durations_over_time() -> timeseries.Panel:
    """How long each agent takes, when."""
    return lines("Agents, p95", _over_time([percentiles("95")], _RUNS, fields.AGENT), unit="s")


def calls_over_time() -> timeseries.Panel:
    """How many calls a run makes: an agent that goes round in circles is seen here."""
    means = [model.Average(field=figure.field, id_val=str(place)) for place, figure in enumerate(_A_RUN[:2], 1)]
    query = ask(means, [over_time()], of=_FILTER, only=_RUNS, source=sources.OPERATIONS, alias="{{field}}")
    panel = lines("Calls a run, mean", query, numbers=("mean", "max"))
    for figure in _A_RUN[:2]:
        panel = panel.override_by_name(figure.field, properties(displayName=figure.heading))
    return panel


def tools_over_time() -> timeseries.Panel:
    """Which tool runs, when."""
    return stacked("Tool calls", _over_time([calls()], _TOOLS, fields.TOOL))


def runs() -> table.Panel:
    """The newest runs; a conversation leads to all of its runs, a trace to all of its request."""
    return (
        documents("Runs", _COLUMNS, of=_FILTER, only=_RUNS, source=sources.OPERATIONS)
        .override_by_name("Took", properties(unit="s", decimals=3))
        .override_by_name("Conversation", properties(links=[links.conversation()]))
        .override_by_name("User", properties(links=[links.requests_of("user"), links.records_of("user")]))
        .override_by_name(
            "Trace", properties(links=[links.request(), links.trace_in_grafana(), links.trace_in_jaeger()])
        )
        .override_by_name("Record", properties(links=[links.record(sources.OPERATIONS), links.content()]))
        .no_value("no agent ran")
    )


def _over_time(shown: list[model.Count] | list[model.Percentiles], only: str, field: str) -> Dataquery:
    buckets = each_over_time(field)
    return ask([*shown], buckets, of=_FILTER, only=only, source=sources.OPERATIONS, alias=term(field))
