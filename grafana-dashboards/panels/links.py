"""Ways on from a row or a point: to its trace, to its record, to the requests behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from grafana_foundation_sdk.models.common import DataSourceRef

from panels import fields, sources
from panels.variables import CALLING, JAEGER_PAGE, SLOWER, TRACE

OVERVIEW = "throughline-overview"
REQUEST = "throughline-request"
AUDIT = "throughline-audit"
RAG = "throughline-rag"
_TIME = "from=${__from}&to=${__to}"
Link = dict[str, object]


def trace_in_grafana() -> Link:
    """The value is a trace id: its waterfall, drawn by Grafana from Jaeger."""
    query = {"refId": "A", "datasource": {"type": "jaeger", "uid": sources.JAEGER.uid}, "query": "${__value.raw}"}
    return {"title": "Trace here (if the sampler kept it)", "url": _explore(str(sources.JAEGER.uid), query)}


def trace_in_jaeger() -> Link:
    """The same on Jaeger's own page."""
    url = f"${{{JAEGER_PAGE}}}/trace/${{__value.raw}}"
    return {"title": "Trace in Jaeger (if the sampler kept it)", "url": url, "targetBlank": True}


def record(source: DataSourceRef = sources.RECORDS) -> Link:
    """The value is a record id: this one record, whole."""
    return {"title": "Record", "url": _document(source, fields.RECORD)}


def content() -> Link:
    """The value is a record id: what was said there, for who may read it."""
    return {"title": "What was said (if you may read it)", "url": _document(sources.CONTENT, fields.RECORD)}


def chain() -> Link:
    """The value is a chain's id: its checkpoints, and what was lost of it."""
    return {"title": "Checkpoints of this chain", "url": _document(sources.AUDIT, fields.CHAIN)}


def _document(source: DataSourceRef, field: str) -> str:
    """Explore with the documents whose field has this value."""
    query = {
        "refId": "A",
        "datasource": {"type": "elasticsearch", "uid": source.uid},
        "query": f'{field}:"${{__value.raw}}"',
        "metrics": [{"id": "1", "type": "logs"}],
        "bucketAggs": [],
        "timeField": fields.TIME,
    }
    return _explore(str(source.uid), query)


def slower_requests() -> Link:
    """The value is a latency: the overview's requests that took at least as long, under the same choices."""
    choices = "&".join(f"${{{name}:queryparam}}" for name in CALLING)
    url = f"/d/{OVERVIEW}?{_TIME}&{choices}&var-{SLOWER}=${{__value.raw}}"
    return {"title": "Requests at least this slow", "url": url}


def request() -> Link:
    """The value is a trace id: all that is known of that request."""
    return {"title": "Request", "url": f"/d/{REQUEST}?{_TIME}&var-{TRACE}=${{__value.raw}}"}


def requests_of(choice: str) -> Link:
    """The value is a user, a prompt, a model …: the overview of its requests alone."""
    return {
        "title": f"Requests of this {choice}",
        "url": f"/d/{OVERVIEW}?{_TIME}&var-{choice}=${{__value.raw:percentencode}}",
    }


def records_of(choice: str) -> Link:
    """The value is a user, a prompt, a model …: the audit of its records alone."""
    return {
        "title": f"Audit of this {choice}",
        "url": f"/d/{AUDIT}?{_TIME}&var-{choice}=${{__value.raw:percentencode}}",
    }


def conversation() -> Link:
    """The value is a conversation's id: the runs of agents in it."""
    return {
        "title": "Runs in this conversation",
        "url": f"/d/{RAG}?{_TIME}&var-conversation=${{__value.raw:percentencode}}",
    }


def records_like() -> Link:
    """The value is a fingerprint: the audit of its records alone."""
    return {
        "title": "Audit of prompts like this",
        "url": f"/d/{AUDIT}?{_TIME}&var-fingerprint=${{__value.raw:percentencode}}",
    }


def _explore(source: str, query: Mapping[str, object]) -> str:
    """Explore with one query. Quoted as a URL needs it, but for what Grafana puts in."""
    pane = {"datasource": source, "queries": [query], "range": {"from": "${__from}", "to": "${__to}"}}
    panes = quote(json.dumps({"throughline": pane}, separators=(",", ":")), safe="")
    for name in ("__value.raw", "__from", "__to"):
        panes = panes.replace(quote(f"${{{name}}}", safe=""), f"${{{name}}}")
    return f"/explore?schemaVersion=1&panes={panes}"
