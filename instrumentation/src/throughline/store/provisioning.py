"""Brings an Elasticsearch to the state that Throughline needs; running it again changes nothing that is already so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from throughline.store.retention import Retention, enforce, streams
from throughline.store.templates import KINDS, Kind, index_template


def setup(client: Elasticsearch, *, retention: Retention | None = None) -> list[str]:
    """Load the index templates and apply the retention; returns what it changed, in words."""
    retention = retention or Retention()
    changes = [change for kind in KINDS for change in _load(client, kind, retention)]
    return changes + retain(client, retention)


def retain(client: Elasticsearch, retention: Retention) -> list[str]:
    """Apply the retention to what is there, by the built-in lifecycle or by the steps that it would take."""
    apply = _lifecycle if _has_lifecycle(client) else _own_step
    days = asdict(retention)
    return [change for kind in KINDS for change in apply(client, kind, days[kind.name])]


def _load(client: Elasticsearch, kind: Kind, retention: Retention) -> Iterator[str]:
    """Put the template unless it is there; a stream made from another form of it gets a new index of the new form."""
    wanted, present = index_template(kind, retention), _present(client, kind)
    if present == wanted["_meta"]:
        return
    meta = wanted.pop("_meta")
    client.indices.put_index_template(name=kind.template, meta=meta, **wanted)
    yield f"loaded index template {kind.template}"
    if present and present.get("form") != meta["form"]:
        for stream in streams(client, kind.pattern):
            client.indices.rollover(alias=stream)
            yield f"rolled over {stream}"


def _present(client: Elasticsearch, kind: Kind) -> dict[str, Any]:
    try:
        found = client.indices.get_index_template(name=kind.template)
    except NotFoundError:
        return {}
    meta: dict[str, Any] = found["index_templates"][0]["index_template"].get("_meta", {})
    return meta


def _has_lifecycle(client: Elasticsearch) -> bool:
    """Whether this Elasticsearch enforces retention itself; the native node lacks the module and its REST API."""
    try:
        client.indices.get_data_stream(name="throughline-none-*")
    except BadRequestError:
        return False
    return True


def _lifecycle(client: Elasticsearch, kind: Kind, days: int) -> Iterator[str]:
    """Streams that exist keep the retention they were made with, so a changed setting is told to each of them."""
    wanted = f"{days}d"
    for stream in client.indices.get_data_lifecycle(name=kind.pattern)["data_streams"]:
        if stream.get("lifecycle", {}).get("data_retention") != wanted:
            client.indices.put_data_lifecycle(name=stream["name"], data_retention=wanted)
            yield f"{stream['name']} is kept for {days} days"


def _own_step(client: Elasticsearch, kind: Kind, days: int) -> Iterator[str]:
    return (f"deleted {index}, older than {days} days" for index in enforce(client, kind.pattern, days))
