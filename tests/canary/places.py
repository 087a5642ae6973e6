"""Every place where something of a request may be kept or shown, as named bytes; it searches none of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from canary.ground import Ground
from elasticsearch.helpers import scan
from native.security import Security
from native.stack import REPOSITORY
from preview.datasource import Everything, Moment, interpolate, prepared
from throughline.store import connect

Places = Iterator[tuple[str, bytes]]
DASHBOARDS = REPOSITORY / "grafana-dashboards"
OURS = "*,-.security*"
"""Every index but the one of Elasticsearch's own users and keys."""


def files(folder: Path) -> Places:
    """Every file that is there now; its name counts as well."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(folder))
            try:
                yield name, name.encode() + b"\n" + path.read_bytes()
            except FileNotFoundError:  # delivered meanwhile, or merged
                continue


def documents(ground: Ground) -> Places:
    """Every document of every index that is not Elasticsearch's own."""
    ground.store.indices.refresh(index=OURS)
    for hit in scan(ground.store, index=OURS, query={"query": {"match_all": {}}}, size=1000):
        yield f"{hit['_index']}/{hit['_id']}", _plain(hit)


def traces(ground: Ground) -> Places:
    """All that Jaeger tells: its services, operations and traces."""
    services = ground.jaeger("/api/services")
    yield "services", _plain(services)
    for service in services:
        yield f"operations of {service}", _plain(ground.jaeger(f"/api/services/{service}/operations"))
        for trace in ground.jaeger(f"/api/traces?service={service}&limit=1500"):
            yield f"trace {trace['traceID']} of {service}", _plain(trace)


def panels(ground: Ground) -> Places:
    """What every board gets for each panel and each variable, by the key that Grafana has."""
    provisioned = yaml.safe_load((DASHBOARDS / "provisioning" / "datasources" / "throughline.yaml").read_text())
    indices = {source["uid"]: source["jsonData"].get("index") for source in provisioned["datasources"]}
    now = int(time.time() * 1000)
    moment = Moment(now - 3_600_000, now + 60_000, 60_000)
    security = Security(ground.run / "tls").of_elasticsearch("grafana", "reader")
    with connect({**ground.stack.addresses, **security}) as store:
        for file in sorted((DASHBOARDS / "generated").glob("*.json")):
            for title, source, body in _asked(json.loads(file.read_text()), moment):
                header = {"index": indices[source], "ignore_unavailable": True}
                yield title, _plain(store.msearch(searches=[header, body])["responses"])


def _asked(board: dict[str, Any], moment: Moment) -> Iterator[tuple[str, str, dict[str, Any]]]:
    values: dict[str, str | list[str]] = {"__from": str(moment.start), "__to": str(moment.end)}
    for variable in board["templating"]["list"]:
        value = variable["current"]["value"]
        values[variable["name"]] = Everything(variable.get("allValue") or "*") if value == ["$__all"] else value
        if variable["type"] == "query":
            question = json.loads(variable["query"]) if isinstance(variable["query"], str) else variable["query"]
            asked = {**question, "query": interpolate(question.get("query", ""), values)}
            yield f"variable {variable['name']}", variable["datasource"]["uid"], moment.terms(asked)
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            if target["datasource"]["type"] != "elasticsearch":  # what Jaeger tells is looked at by itself
                continue
            asked = moment.search(prepared(target, values))
            yield f"panel {panel['title']}", target["datasource"]["uid"], asked


def told(hits: str, expected: str) -> bool:
    """Whether there is such a hit."""
    return re.search(expected, hits) is not None


def _plain(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode(errors="surrogatepass")
