"""A running stack as Grafana's data sources see it: by the provisioned sources' ids, types and indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import yaml
from elasticsearch import ApiError, TransportError
from throughline.store import connect
from throughline.tls import client_of

from preview.answers import frames
from preview.frames import Field, Frame, GrafanaError, Kind, Plain, UntranslatedError, kind_of
from preview.searches import Moment

PROVISIONED: Final = Path(__file__).parents[1] / "provisioning" / "datasources" / "throughline.yaml"
_SPAN: Final = ("traceID", "spanID", "parentSpanID", "operationName", "serviceName", "startTime", "duration", "tags")


def provisioned() -> dict[str, Plain]:
    """The provisioned data sources by their ids."""
    return {source["uid"]: source for source in yaml.safe_load(PROVISIONED.read_text())["datasources"]}


class Sources:
    """Answers queries as Grafana's server does for its data sources; ask it inside a `with`.

    `addresses` are those of a stack (`.run/stack.env`): ELASTICSEARCH_URL, JAEGER_URL, certificates and keys.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._sources = provisioned()
        self._jaeger_url = addresses.get("JAEGER_URL", "")
        self._store = connect(addresses)
        verified = client_of("JAEGER", addresses) or True
        self._http = httpx.Client(timeout=30, trust_env=False, verify=verified)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._store.close()
        self._http.close()

    def search(self, uid: str, body: Plain) -> Plain:
        """One search as Grafana sends it, by _msearch. Raises GrafanaError where there is no answer, or half of one.

        Where some shards fail and others have nothing to look through, Grafana itself would show no data.
        """
        header = {"search_type": "query_then_fetch", "ignore_unavailable": True, "index": self._source(uid)["index"]}
        try:
            answer = self._store.msearch(searches=[header, body], max_concurrent_shard_requests=5)
        except (ApiError, TransportError) as error:
            raise GrafanaError(f"Elasticsearch: {error}") from error
        found = dict(answer["responses"][0])
        if failures := (found.get("_shards") or {}).get("failures"):
            reason = (failures[0].get("reason") or {}).get("reason")
            raise GrafanaError(f"{len(failures)} kinds of failure in some shards, first: {reason}")
        return found

    def answer(self, target: Plain, moment: Moment, *, keep_labels: bool = False) -> tuple[list[Frame], int]:
        """The frames of a query whose variables are filled in, and how many documents or spans they are made of."""
        uid = target["datasource"]["uid"]
        kind = self._sources[uid]["type"] if uid in self._sources else ""
        match kind:
            case "elasticsearch":
                found = self.search(uid, moment.search(target))
                return frames(target, found, keep_labels=keep_labels), matched(found)
            case "jaeger":
                frame = self._trace(target)
                return [frame], frame.rows
            case _:
                raise GrafanaError(f"Datasource {uid} was not found")

    def _source(self, uid: str) -> Plain:
        if uid not in self._sources:
            raise GrafanaError(f"Datasource {uid} was not found")
        return dict(self._sources[uid]["jsonData"])

    def _trace(self, target: Plain) -> Frame:
        """A trace by its id, the only query that boards put to Jaeger."""
        if target.get("queryType"):
            raise UntranslatedError(f"a query of Jaeger: {target['queryType']}")
        trace = str(target.get("query") or "").strip()
        if not trace:
            raise GrafanaError("no trace id")
        try:
            reply = self._http.get(f"{self._jaeger_url}/api/traces/{trace}")
        except httpx.HTTPError as error:
            raise GrafanaError(f"Jaeger: {error}") from error
        if reply.status_code != httpx.codes.OK:
            raise GrafanaError(f"Jaeger: {_told(reply)}")
        return trace_frame(target, reply.json()["data"])


def _told(reply: httpx.Response) -> str:
    try:
        errors = reply.json().get("errors") or []
    except ValueError:
        errors = []
    return "; ".join(str(each.get("msg")) for each in errors) or f"status {reply.status_code}"


def matched(answer: Plain) -> int:
    """How many documents a search found."""
    total = (answer.get("hits") or {}).get("total") or 0
    return int(total["value"] if isinstance(total, dict) else total)


def trace_frame(target: Plain, traces: Sequence[Plain]) -> Frame:
    """A row for each span of the first trace; times in milliseconds."""
    rows = [_span(span, traces[0]["processes"]) for span in (traces[0]["spans"] if traces else ())]
    columns = {name: [row[name] for row in rows] for name in _SPAN}
    fields = [Field(name, kind_of(values) if values else Kind.STRING, values) for name, values in columns.items()]
    return Frame(fields, ref=target.get("refId", "A"))


def _span(span: Plain, processes: Plain) -> dict[str, Any]:
    parents = [each["spanID"] for each in span.get("references") or () if each["refType"] == "CHILD_OF"]
    return {
        "traceID": span["traceID"],
        "spanID": span["spanID"],
        "parentSpanID": parents[0] if parents else None,
        "operationName": span["operationName"],
        "serviceName": processes.get(span["processID"], {}).get("serviceName", ""),
        "startTime": span["startTime"] / 1000,
        "duration": span["duration"] / 1000,
        "tags": span.get("tags") or [],
    }
