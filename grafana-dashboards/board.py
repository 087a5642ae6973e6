"""The dashboard everybody needs first: which panels, where. What each shows is in panels/."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    Panel,
)
from panels import errors, latency, links, prompts, requests, sources, usage
from panels.variables import JAEGER_PAGE, variables

# Height of each row of panels, and its panels with their widths; 24 columns make the whole width. The first three
# rows, latency, errors and prompts, fill one screen.
ROWS: Final = (
    (5, ((latency.now, 12), (errors.rate_now, 6), (errors.calls_now, 6))),
    (10, ((latency.distribution, 14), (errors.by_type, 10))),
    (9, ((prompts.top, 24),)),
    (9, ((latency.over_the_time, 12), (errors.rate_over_time, 12))),
    (9, ((usage.rate, 12), (errors.by_type_over_time, 12))),
    (9, ((usage.tokens, 12), (usage.by_model, 12))),
    (14, ((requests.latest, 24),)),
)


def placed() -> list[Builder[Panel]]:
    """Every panel with its number and place."""
    panels: list[Builder[Panel]] = []
    top = 0
    for height, row in ROWS:
        left = 0
        for make, width in row:
            position = GridPos(h=height, w=width, x=left, y=top)
            panels.append(make().id(len(panels) + 1).datasource(sources.RECORDS).grid_pos(position))
            left += width
        top += height
    return panels


def requests_dashboard() -> Dashboard:
    """Latency, errors and prompts first; then how they moved, usage, and the requests themselves."""
    board = (
        Dashboard("LLM requests")
        .uid(links.DASHBOARD)
        .description("Every model call, from the records: never sampled.")
        .tags(["throughline"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(DashboardLink("Jaeger").type(DashboardLinkType.LINK).url(f"${{{JAEGER_PAGE}}}").target_blank(True))
        .variables(list(variables()))
    )
    for panel in placed():
        board = board.with_panel(panel)
    return board
