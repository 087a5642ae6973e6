"""Elasticsearch from memory, and real clients of any supported version that talk to it through their default nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import elasticsearch
import httpx
import urllib3
from elastic_transport import HttpxAsyncHttpNode, Urllib3HttpNode
from instrumentation.elasticsearch_client.exchanges import EXCHANGES
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from throughline.adapters import elasticsearch as elasticsearch_adapter

URL = "http://search.example:9200"
HEADERS = {"x-elastic-product": "Elasticsearch", "content-type": "application/json"}


class _Pool(urllib3.HTTPConnectionPool):
    """urllib3's connections to a server from memory, which raises what urllib3 raises."""

    handler: Handler

    def urlopen(self, method: str, url: str, *, body: Any, headers: Any, **_options: Any) -> Any:  # type: ignore[override]
        try:
            response = self.handler(httpx.Request(method, f"{URL}{url}", content=body, headers=dict(headers)))
        except httpx.TimeoutException as error:
            raise urllib3.exceptions.ReadTimeoutError(self, url, str(error)) from error
        except httpx.TransportError as error:
            raise urllib3.exceptions.ProtocolError(str(error)) from error
        return SimpleNamespace(status=response.status_code, headers=response.headers, data=response.read())


def nodes(handler: Handler) -> dict[bool, type]:
    """The client's own classes of nodes, by whether they are asynchronous, on this handler."""

    class Node(Urllib3HttpNode):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.pool = _Pool(config.host, config.port)
            self.pool.handler = handler

    class AsyncNode(HttpxAsyncHttpNode):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.client = httpx.AsyncClient(base_url=URL, transport=httpx.MockTransport(handler))

    return {False: Node, True: AsyncNode}


def client(handler: Handler, *, asynchronous: bool = False, retries: int = 0, **options: Any) -> Any:
    cls = elasticsearch.AsyncElasticsearch if asynchronous else elasticsearch.Elasticsearch
    return cls(options.pop("url", URL), node_class=nodes(handler)[asynchronous], max_retries=retries, **options)


def reply(body: Any, status: int = 200) -> Any:
    return httpx.Response(status, json=body, headers=HEADERS)


def failure(kind: str, status: int) -> Callable[[], Any]:
    return lambda: reply({"error": {"type": kind, "reason": "no", "root_cause": []}, "status": status}, status)


class Elasticsearch(Store):
    """The fixtures of the shared scenarios."""

    name = "elasticsearch"
    adapter = elasticsearch_adapter.Elasticsearch()
    reader = elasticsearch_adapter.Search()
    exchanges = EXCHANGES
    http = httpx
    overloaded = failure("circuit_breaking_exception", 429), 429
    refusals = {
        "no such index": (failure("index_not_found_exception", 404), "NotFoundError"),
        "bad query": (failure("parsing_exception", 400), "BadRequestError"),
        "too many": (failure("circuit_breaking_exception", 429), "429"),
        "time-out": (httpx.ReadTimeout("slow"), "ConnectionTimeout"),
        "no connection": (httpx.ConnectError("refused"), "ConnectionError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, asynchronous=asynchronous, retries=retries)

    def body(self, reply_: Any) -> Any:
        return reply(reply_)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "query": {"match": {"text": text}}}

    def one_shot(self) -> tuple[Mapping[str, Any], Callable[[Any], Any], Any]:
        searches = self.exchanges["several searches"].request["searches"]
        arguments = {"searches": (line for line in searches)}
        return arguments, lambda request: [json.loads(line) for line in request.content.splitlines()], searches

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        result = self._begin(way.removeprefix("async "), api, request)
        return (await result if way.startswith("async") else result).body

    def _begin(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if "searches" in request:
            return api.msearch(**request)
        index, body = request["index"], {key: value for key, value in request.items() if key != "index"}
        match way:
            case "reply":
                return api.search(**request)
            case "body reply":
                return api.search(index=index, body=body)
            case "options reply":
                return api.options(request_timeout=5).search(**request)
            case "bare reply":
                headers = {"accept": "application/json", "content-type": "application/json"}
                return api.perform_request("POST", f"/{index}/_search", headers=headers, body=body)
        raise AssertionError(way)
