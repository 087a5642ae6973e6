"""What every board is made of: its panels in rows, its variables, and the ways to the others. Boards are in boards/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    Panel,
)
from panels.variables import JAEGER_PAGE, variable

TAG: Final = "throughline"
# Of a panel whose queries go to several data sources.
MIXED: Final = DataSourceRef(type_val="datasource", uid="-- Mixed --")
Make = Callable[[], Builder[Panel]]
Row = tuple[int, tuple[tuple[Make, int], ...]]
"""A row's height, and its panels with their widths; 24 columns make the whole width."""


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: `name` is its file's and, behind `throughline-`, its fixed uid."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[str, ...]
    since: str = "now-1h"
    refresh: str = "30s"
    """How often it asks again by itself; empty for a board that people read rather than watch."""

    def built(self) -> Dashboard:
        """As Grafana reads it. Raises KeyError for a variable that nobody defines."""
        board = (
            builders.Dashboard(self.title)
            .uid(f"{TAG}-{self.name}")
            .description(self.description)
            .tags([TAG])
            .time(self.since, "now")
            .refresh(self.refresh)
            .timezone("browser")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .link(_others())
            .link(_jaeger())
            .variables([variable(name) for name in (*self.variables, JAEGER_PAGE)])
            .build()
        )
        board.panels = list(self._placed())
        return board

    def _placed(self) -> list[Panel]:
        """Every panel with its number and place, and the data source that its queries name."""
        panels: list[Panel] = []
        top = 0
        for height, row in self.rows:
            left = 0
            for make, width in row:
                panel = make().build()
                panel.id_val, panel.datasource = len(panels) + 1, _source(panel)
                panel.grid_pos = GridPos(h=height, w=width, x=left, y=top)
                panels.append(panel)
                left += width
            top += height
        return panels


def _source(panel: Panel) -> DataSourceRef | None:
    targets: list[Any] = list(panel.targets or ())
    named = {target.datasource.uid: target.datasource for target in targets}
    return next(iter(named.values()), None) if len(named) < 2 else MIXED


def _others() -> builders.DashboardLink:
    """To the other boards, with what is chosen here; a variable that one lacks does nothing there."""
    link = builders.DashboardLink("Throughline").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(False).keep_time(True).include_vars(True)


def _jaeger() -> builders.DashboardLink:
    return builders.DashboardLink("Jaeger").type(DashboardLinkType.LINK).url(f"${{{JAEGER_PAGE}}}").target_blank(True)
