"""What the clients that Stainless generates have in common: one `request` for all, their streams and raw responses."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.responses import watch_close
from throughline.parts import decoded
from throughline.servers import default_port

_RAW = "X-Stainless-Raw-Response"  # the client's own mark in its headers
FILES = "(files)"
"""Where a request's body holds what is sent beside it, as the client does it: pairs of a field's name and a file."""
_MOST_ENDPOINTS = 100  # an application that makes a client for each call has as many URLs


def points(base: str) -> tuple[Patch, ...]:
    """What to patch in a client's module of base clients."""
    return (
        Patch(f"{base}:SyncAPIClient.request"),
        Patch(f"{base}:AsyncAPIClient.request"),
        Patch(f"{base}:SyncAPIClient._process_response", "answer"),
        Patch(f"{base}:AsyncAPIClient._process_response", "answer"),
        Patch(f"{base}:BaseClient._should_retry", "verdict"),
        Patch(f"{base}:BaseClient._calculate_retry_timeout", "retry"),
    )


class StainlessAdapter(Adapter):
    """A client whose resource methods all end in `request(cast_to, options)` of its base client."""

    endpoints: ClassVar[Mapping[str, Reader]]  # path of the wire → who reads it
    base: ClassVar[str]  # the module of the base clients

    def __init__(self) -> None:
        self._endpoints: dict[int, tuple[Any, type, tuple[str, str, int | None]]] = {}

    @property
    def patches(self) -> Iterable[Patch]:  # type: ignore[override]
        return points(self.base)

    def route(self, call: Call) -> Route | None:
        options = options_of(call)
        reader = self.endpoints.get(options.url.partition("?")[0])
        if reader is None or options.method.lower() != "post" or not isinstance(options.json_data, dict):
            return None
        body = {**options.json_data, **options.extra_json} if options.extra_json else options.json_data
        if options.files:
            body = {**body, FILES: options.files}
        return Route(reader, body, *self._endpoint(call.instance))

    def _endpoint(self, client: Any) -> tuple[str, str, int | None]:
        """Provider, address and port of a client; kept, because taking a URL apart costs as much as reading a reply."""
        url = client.base_url
        kept = self._endpoints.get(id(url))
        if kept is None or kept[0] is not url or kept[1] is not type(client):
            if len(self._endpoints) >= _MOST_ENDPOINTS:
                self._endpoints.clear()
            kept = url, type(client), (self.provider(client, url.host), url.host, url.port or default_port(url.scheme))
            self._endpoints[id(url)] = kept
        return kept[2]

    def provider(self, client: Any, host: str) -> str:
        """The conventions' name of whoever answers at `host`."""
        raise NotImplementedError

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:
        options = options_of(call)
        given = options.headers if isinstance(options.headers, Mapping) else {}
        if body is not None and _RAW not in given:  # who reads the bytes himself would see the chunk asked for
            options.json_data = body
        if headers:
            options.headers = {**given, **headers}

    def prepare(self, call: Call, running: Running) -> None:
        options = options_of(call)
        if callable(parser := options.post_parser):
            options.post_parser = _seeing(parser, running)

    def deliver(self, result: Any, running: Running) -> Any:
        """A stream's own iterator is watched, a raw response's bytes are, and anything else is the whole reply."""
        own = getattr(result, "__dict__", {})  # asking a model for what it does not have is costly
        if "response" in own and hasattr(result, "__stream__"):  # Anthropic's newest makes `_iterator` only when read
            _watch_stream(result, running)
        elif "http_response" in own:
            _watch_raw(result.http_response, running)
        else:
            running.finish(result)
        return result


def _seeing(parser: Callable[[Any], Any], running: Running) -> Callable[[Any], Any]:
    """A helper's parser, which raises on a reply that does not fit: tokens were spent on that one too."""

    def seeing(reply: Any) -> Any:
        running.seen(reply)
        return parser(reply)

    return seeing


def options_of(call: Call) -> Any:
    """The client's description of the request."""
    return call.kwargs["options"] if "options" in call.kwargs else call.args[1]


def _watch_stream(stream: Any, running: Running) -> None:
    """Put the watch under the stream that the caller gets, which stays the same object.

    The client's iterator refers back to its stream, so that a dropped stream would only end when the garbage collector
    finds the circle. A twin takes the stream's place in it: then letting go of the stream ends the operation at once.
    """
    stream = vars(stream).get("_raw_stream", stream)  # a helper of older clients, whose own iterator reads that one
    twin = object.__new__(type(stream))
    vars(twin).update(vars(stream), _iterator=None)
    stream._iterator = running.watched(twin.__stream__())
    watch_close(stream.response, running)


def _watch_raw(response: Any, running: Running) -> None:
    """A response that the caller reads by himself, perhaps later, perhaps never."""
    if response.is_stream_consumed and "event-stream" not in response.headers.get("content-type", ""):
        running.finish(decoded(response.content))
        return
    for name in ("iter_bytes", "aiter_bytes"):
        setattr(response, name, running.watched_bytes(getattr(response, name)))
    watch_close(response, running)
    weakref.finalize(response, running.dropped)
