"""The known metrics: two services' spools, and what the Collector says of itself, a point a minute."""

from __future__ import annotations

from typing import Final

from dashboards.known.documents import Plain, at
from throughline import names

STREAM: Final = "metrics-generic.otel-dashboards"


def documents() -> list[Plain]:
    """Each service's spool grows by a thousand bytes a minute; one has twice as many."""
    return [
        _point(service, minute, {"throughline.spool.size": 1000 * factor * minute, "throughline.spool.records": minute})
        for service, factor in (("llm-caller", 2), ("gateway", 1))
        for minute in range(1, 51)
    ]


def _point(service: str, minute: int, metrics: Plain) -> Plain:
    own = {names.SERVICE_NAME: service, names.DEPLOYMENT_ENVIRONMENT_NAME: "production"}
    return {
        "_id": f"{service} {minute}",
        "@timestamp": at(minute),
        "attributes": {},
        "metrics": metrics,
        "resource": {"attributes": own},
        "scope": {"name": "throughline"},
    }
