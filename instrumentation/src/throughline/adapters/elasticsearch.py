"""The `elasticsearch` client, sync and async: its searches that are retrievals. Any other use of the store is not ours.

A search is a retrieval where it asks for hits (`size` is not 0) and ranks them
- by meaning: `knn`, `semantic`, `sparse_vector`, `text_expansion`, `weighted_tokens`, a `script_score` over a vector
  function, and each `retriever` but a standard one, which counts as the query that it holds;
- or by words: `match` and its kin, `multi_match`, `combined_fields`, `query_string`, `simple_query_string` and
  `more_like_this`, unless a `sort` without `_score` orders the hits or `scroll` exports them.
What stands in `filter` or `must_not` ranks nothing. So look-ups by term, range or id, `match_all`, aggregations alone,
listings by date, scrolls, templates, ES|QL and asynchronous searches are no retrievals. Several searches in one
`msearch` are one, if any of them is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple
from urllib.parse import unquote

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.elasticsearch_queries import Clause, asked
from throughline.adapters.retrieved import document
from throughline.operation import Operation, fitting
from throughline.parts import get, items

_ENDPOINTS = ("_search", "_msearch", "_knn_search")
_NODES = (
    "elastic_transport._node._http_urllib3:Urllib3HttpNode",
    "elastic_transport._node._http_requests:RequestsHttpNode",
    "elastic_transport._node._http_aiohttp:AiohttpHttpNode",
    "elastic_transport._node._http_httpx:HttpxAsyncHttpNode",
    "elastic_transport._node._http_httpx:HttpxHttpNode",
)


class Searches(NamedTuple):
    """One request: its searches, and what its URL says of all of them."""

    source: str | None
    params: Mapping[str, Any]
    bodies: Sequence[Mapping[str, Any]]
    clauses: Sequence[Clause]
    """What ranks the hits, by the rule above."""


def _ranking(body: Mapping[str, Any], params: Mapping[str, Any]) -> list[Clause]:
    if _size(body, params) == 0:
        return []
    by_relevance = _by_relevance(body.get("sort")) and _by_relevance(params.get("sort"))
    words_count = by_relevance and "scroll" not in params
    found = [clause for clause in asked(body) if clause.by_meaning or words_count]
    if words_count and isinstance(text := params.get("q"), str) and text not in ("*", "*:*"):
        found.append(Clause(False, text))
    return found


def _size(body: Any, params: Mapping[str, Any]) -> int | None:
    told = body.get("size", params.get("size"))
    return int(told) if isinstance(told, str) and told.isdigit() else fitting(told, int)


def _by_relevance(sort: Any) -> bool:
    """Whether the hits come best first, or at least the score has a say in it."""
    keys = sort if isinstance(sort, (list, tuple)) else [sort] if sort else []
    return not keys or any(map(_is_score, keys))


def _is_score(key: Any) -> bool:
    """`_score`, `date:desc,_score` or `{"_score": {"order": "desc"}}`."""
    if isinstance(key, str):
        return "_score" in (part.partition(":")[0] for part in key.split(","))
    return isinstance(key, Mapping) and "_score" in key


class Search(Reader):
    """`_search`, `_msearch` and the old `_knn_search`."""

    operation = "retrieval"

    def request(self, op: Operation, body: Searches) -> None:
        op.data_source = body.source
        wanted = {_top_k(search, body.params) for search in body.bodies}
        op.retrieval_top_k = wanted.pop() if len(wanted) == 1 else None
        op.model = next((clause.model for clause in body.clauses if clause.model), None)

    def request_content(self, op: Operation, body: Searches) -> None:
        texts = [clause.text for clause in body.clauses if clause.text]
        op.query = "\n".join(dict.fromkeys(texts)) or None  # a hybrid search says the same text to each of its halves

    def response(self, op: Operation, body: Any) -> None:
        """An error is found in a reply only where the caller asked for no exception, or among several searches."""
        for reply in (body, *items(body, "responses")):
            if (failure := get(reply, "error")) is not None:
                op.error_type = fitting(get(failure, "type"), str) or "error"

    def scores(self, body: Any) -> list[Any] | None:
        replies = [reply for reply in (body, *items(body, "responses")) if get(reply, "hits.hits") is not None]
        return [get(hit, "_score") for reply in replies for hit in items(reply, "hits.hits")] if replies else None

    def response_content(self, op: Operation, body: Any) -> None:
        replies = (body, *items(body, "responses"))
        op.documents = [_document(hit) for reply in replies for hit in items(reply, "hits.hits")]


def _top_k(search: Mapping[str, Any], params: Mapping[str, Any]) -> int | None:
    size, knn = _size(search, params), search.get("knn")
    return fitting(knn.get("k"), int) if size is None and isinstance(knn, Mapping) else size


def _document(hit: Any) -> dict[str, Any]:
    return document(get(hit, "_id"), get(hit, "_score"), get(hit, "_source") or get(hit, "fields"))


def _no_span(*_args: Any, **_kwargs: Any) -> Any:
    """What the client gets where tracing is switched off: it goes on without a span of its own."""
    from elastic_transport import OpenTelemetrySpan  # which older versions lack; these never come here

    return nullcontext(OpenTelemetrySpan(None))


def _refused(answer: Any) -> int | None:
    """The status of a node's answer that the client may ask another node for, or the same one again."""
    status: int = answer.meta.status
    return status if status >= 400 else None


class Elasticsearch(Adapter):
    """All of the client's methods end in one `perform_request`, and each of its attempts in that of a node.

    Its own span of a search is not opened where the search is recorded: it tells of the same call, from its begin to
    its end, as an HTTP span below it would. Calls that are not recorded keep it.
    """

    coarse = frozenset({"ApiError"})
    patches = (
        Patch("elasticsearch._sync.client._base:BaseClient.perform_request"),
        Patch("elasticsearch._async.client._base:BaseClient.perform_request"),
        *(Patch(f"{node}.perform_request", "attempt", optional=True, failed=_refused) for node in _NODES),
        Patch("elasticsearch._otel:OpenTelemetry.span", "native", optional=True, instead=_no_span),
    )
    reader = Search()

    def route(self, call: Call) -> Route | None:
        given = call.named("method", "path")
        folder, _, endpoint = given["path"].rpartition("/")
        if endpoint not in _ENDPOINTS:
            return None
        searches = _searches(endpoint, folder, given)
        if searches is None or not searches.clauses:
            return None
        node = next(iter(call.instance.transport.node_pool.all())).config
        return Route(self.reader, searches, None, node.host, node.port)

    def deliver(self, result: Any, running: Running) -> Any:
        running.finish(getattr(result, "body", result))
        return result


def _searches(endpoint: str, folder: str, given: Mapping[str, Any]) -> Searches | None:
    """The request as it is read; None where its body is no plain data, such as text or a one-shot iterator."""
    params, body = given.get("params") or {}, given.get("body")
    index = unquote(folder.removeprefix("/")) or None
    if endpoint == "_msearch":
        headers, bodies = (body[::2], body[1::2]) if isinstance(body, (list, tuple)) else ((), ())
        indices = {named for header in headers if (named := _index(header) or index)}
        index = ",".join(sorted(indices)) or None
    else:
        bodies = [{} if body is None else body]
    if not all(isinstance(search, Mapping) for search in bodies):
        return None
    return Searches(index, params, bodies, [clause for search in bodies for clause in _ranking(search, params)])


def _index(header: Any) -> str | None:
    """Which index one of several searches is about."""
    index = get(header, "index") if isinstance(header, Mapping) else None
    return ",".join(map(str, index)) if isinstance(index, (list, tuple)) else index
