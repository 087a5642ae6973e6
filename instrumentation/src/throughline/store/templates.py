"""Which data streams there are and the index template of each, for native and official nodes alike; loads none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from throughline.store import mappings
from throughline.store.attributes import Mapping
from throughline.store.retention import Retention


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its data streams' pattern and how they are indexed. Where patterns overlap, priority wins."""

    name: str
    pattern: str
    mapping: Mapping
    priority: int = 300

    @property
    def template(self) -> str:
        """The index template's name."""
        return f"throughline-{self.name}"


# The official image brings templates for `*.otel-*` at priorities up to 150: ours stand above them.
KINDS: Final = (
    Kind("traces", "traces-*.otel-*", mappings.SPAN),
    Kind("records", "logs-genai.record.otel-*", mappings.RECORD, priority=400),
    Kind("operations", "logs-genai.operation.otel-*", mappings.RECORD, priority=400),
    Kind("evaluations", "logs-genai.evaluation.otel-*", mappings.RECORD, priority=400),
    Kind("contents", "logs-genai.content.otel-*", mappings.CONTENT, priority=400),
    Kind("audit", "logs-genai.audit.otel-*", mappings.RECORD, priority=400),
    Kind("reports", "logs-genai.report.otel-*", mappings.RECORD, priority=400),
    Kind("rejected", "logs-genai.rejected.otel-*", mappings.RECORD, priority=400),
    Kind("logs", "logs-*.otel-*", mappings.LOG),
    Kind("metrics", "metrics-*.otel-*", mappings.metric()),
)

_SETTINGS: Final[dict[str, Any]] = {
    # The official image would choose logsdb for logs-*, which reorders sources; both nodes shall answer alike.
    "index.mode": "standard",
    "index.auto_expand_replicas": "0-1",
    "index.codec": "best_compression",
    "index.mapping.ignore_malformed": True,
    "index.mapping.total_fields.limit": 1000,
    "index.mapping.total_fields.ignore_dynamic_beyond_limit": True,
}

# What the mapping refuses is kept beside the stream, where Elasticsearch can; the native node stores this and does not.
_REFUSED: Final[dict[str, Any]] = {"failure_store": {"enabled": True}}


def index_template(kind: Kind, retention: Retention) -> dict[str, Any]:
    """The template's body; `_meta` tells a later start whether it changed, and whether in form or only in retention."""
    form = {"settings": _SETTINGS, "mappings": kind.mapping}
    days = asdict(retention)[kind.name]
    return {
        "index_patterns": [kind.pattern],
        "priority": kind.priority,
        "data_stream": {},
        "template": {**form, "lifecycle": {"data_retention": f"{days}d"}, "data_stream_options": _REFUSED},
        "_meta": {"owner": "throughline", "form": _digest(form), "days": days},
    }


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
