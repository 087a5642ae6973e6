"""A trace as Jaeger has it; the foundation SDK knows no query of that data source, so it is written out here."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from panels import sources
from panels.variables import JAEGER_PAGE, TRACE


@dataclass(frozen=True)
class _ById(Dataquery):
    """The Jaeger data source's query for one trace."""

    trace: str
    datasource: DataSourceRef = sources.JAEGER

    def to_json(self) -> dict[str, object]:
        """Without a type of query it is a trace's id."""
        return {"refId": "A", "datasource": self.datasource, "query": self.trace}


class _Built(Builder[Dataquery]):
    def build(self) -> Dataquery:
        return _ById(f"${{{TRACE}}}")


def waterfall() -> dashboard.Panel:
    """The trace that is chosen, if the sampler kept it."""
    link = dashboard.DashboardLink("In Jaeger").type(DashboardLinkType.LINK).target_blank(True)
    return (
        dashboard.Panel()
        .type("traces")
        .title("Trace")
        .description("A trace is there only if the sampler kept it; the records below always are.")
        .links([link.url(f"${{{JAEGER_PAGE}}}/trace/${{{TRACE}}}")])
        .with_target(_Built())
    )
