"""The Model Context Protocol's library: requests of clients and servers. What they say is `mcp_messages.py`'s."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from throughline.adapter import Adapter, Call, Patch, Route, Running
from throughline.adapters.mcp_messages import Message, Request, Served
from throughline.adapters.mcp_transports import Transport, Transports, described
from throughline.parts import get

_UNRECORDED = ("ping", "subscriptions/listen")
"""Nobody asks what a ping did, and listening lasts as long as somebody listens: neither is an operation."""
_VERSION_HEADER, _VERSION_META = "mcp-protocol-version", "io.modelcontextprotocol/protocolVersion"
_TRACE = ("traceparent", "tracestate")


class _NoSpan:
    """Stands for a span that the library would have opened."""

    def set_attribute(self, *_: Any) -> None: ...
    def set_attributes(self, *_: Any) -> None: ...
    def set_status(self, *_: Any) -> None: ...
    def record_exception(self, *_: Any) -> None: ...


def _no_span(*_args: Any, **_kwargs: Any) -> AbstractContextManager[_NoSpan]:
    return nullcontext(_NoSpan())


_FIRST = (
    Patch("mcp.shared.session:BaseSession.send_request"),
    Patch("mcp.server.lowlevel.server:Server._handle_request"),
    Patch("mcp.server.session:ServerSession._received_request"),
    Patch("mcp.client.session:ClientSession._received_request"),
    Patch("mcp.shared.session:RequestResponder.respond", "seen"),
    Patch("mcp.client.session:ClientSession.initialize", "seen"),
)
_SECOND = (
    Patch("mcp.shared.jsonrpc_dispatcher:JSONRPCDispatcher.send_raw_request"),
    Patch("mcp.shared.direct_dispatcher:DirectDispatcher.send_raw_request"),
    Patch("mcp.server.runner:ServerRunner._on_request"),
    Patch("mcp.client.session:ClientSession._on_request"),
    Patch("mcp.shared.jsonrpc_dispatcher:otel_span", "native", instead=_no_span),
    Patch("mcp.shared.jsonrpc_dispatcher:inject_trace_context", "native"),
    Patch("mcp.server._otel:otel_span", "native", instead=_no_span),
)
_TRANSPORTS = tuple(
    Patch(f"{module}:{function}", "seen", optional=True, late=True)
    for function, modules in {
        "stdio_client": ("mcp", "mcp.client.stdio", "mcp.client.client", "mcp.client.session_group"),
        "stdio_server": ("mcp", "mcp.server.stdio", "mcp.server.fastmcp.server", "mcp.server.mcpserver.server",
                         "mcp.server.lowlevel.server"),
        "sse_client": ("mcp.client.sse", "mcp.client.session_group"),
        "streamablehttp_client": ("mcp.client.streamable_http", "mcp.client.session_group"),
        "streamable_http_client": ("mcp.client.streamable_http", "mcp.client.session_group", "mcp.client.client"),
    }.items()
    for module in modules
)  # fmt: skip # each under every name by which the library itself calls it


class MCP(Adapter):
    """The `mcp` package, both generations."""

    asked, served = Request(), Served()
    patches = (*(_FIRST if importlib.util.find_spec("mcp.shared.session") else _SECOND), *_TRANSPORTS)

    def __init__(self) -> None:
        self._transports = Transports()
        self._agreed: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # session → version of MCP

    def route(self, call: Call) -> Route | None:
        """By what was called; each generation has its own ways in and out."""
        match call.point:
            case "BaseSession.send_request":
                return self._first_sent(call)
            case "Server._handle_request":
                message, request, session = call.args[:3]
                return self._first_served(message, request, session)
            case "ServerSession._received_request" | "ClientSession._received_request":
                request = get(call.args[0], "request.root")
                of_server = call.point.startswith("Server")
                if of_server and get(request, "method") != "initialize":
                    return None  # the server's own loop takes it
                return self._first_served(call.args[0], request, call.instance)
            case "JSONRPCDispatcher.send_raw_request" | "DirectDispatcher.send_raw_request":
                return self._second_sent(call)
        return self._second_served(call)

    def saw(self, call: Call, result: Any, running: Running | None) -> None:
        """A transport, an answer of the first generation's servers, or the version that its two sides agreed on."""
        match call.point:
            case "RequestResponder.respond":
                answer = call.named("response")["response"]
                if running is not None:
                    running.seen(answer)
                self._agree(call.instance._session, get(answer, "root"))
            case "ClientSession.initialize":
                self._agree(call.instance, result)
            case _:
                self._transports.opening(result, described(call))

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> tuple[Any, ...] | None:
        """The trace goes where the conventions want it, into the request's `_meta`."""
        del body
        if call.point == "BaseSession.send_request":
            request, *others = call.args
            return (_with_meta(request, headers), *others)
        if not call.point.endswith("send_raw_request"):
            return None
        method, params, *others = call.args
        return (method, {**(params or {}), "_meta": {**((params or {}).get("_meta") or {}), **headers}}, *others)

    # --- the first generation: typed messages over a session -------------------------------------------------------

    def _first_sent(self, call: Call) -> Route | None:
        session = call.instance
        request = get(call.args[0] if call.args else call.kwargs.get("request"), "root")
        method = get(request, "method")
        if request is None or method in _UNRECORDED:
            return None
        transport = self._transports.of(session)
        message = Message(method, get(request, "params"), str(session._request_id), self._agreed.get(session))
        return _to(transport, message, self.asked)

    def _first_served(self, responder: Any, request: Any, session: Any) -> Route | None:
        method, params = get(request, "method"), get(request, "params")
        if method is None or method in _UNRECORDED:
            return None
        message = Message(method, params, str(responder.request_id), self._agreed.get(session))
        over = get(getattr(responder, "message_metadata", None), "request_context")
        # its server runs where the session began, so that the trace of HTTP's own request is only in the headers
        meta = get(params, "meta")
        return self._from(message, over, session, meta if get(meta, _TRACE[0]) or over is None else over.headers)

    def _agree(self, session: Any, result: Any) -> None:
        if isinstance(version := get(result, "protocolVersion"), str):
            self._agreed[session] = version

    # --- the second: plain data over a dispatcher -------------------------------------------------------------------

    def _second_sent(self, call: Call) -> Route | None:
        named = call.named("method", "params", "opts")
        method, params, options = named["method"], named.get("params"), named.get("opts") or {}
        if method in _UNRECORDED:
            return None
        dispatcher = call.instance
        given = options.get("request_id")
        following = None if "Direct" in call.point else dispatcher._next_id + 1
        number = given if given is not None else following
        version = (options.get("headers") or {}).get(_VERSION_HEADER) or ((params or {}).get("_meta") or {}).get(
            _VERSION_META
        )
        message = Message(method, params, None if number is None else str(number), version)
        return _to(self._transports.of(dispatcher), message, self.asked)

    def _second_served(self, call: Call) -> Route | None:
        context, method, params = call.args[:3]
        if method in _UNRECORDED:
            return None
        connection = getattr(call.instance, "connection", None)
        version = get(call.instance, "_negotiated_version") if connection is None else connection.protocol_version
        number = context.request_id
        message = Message(method, params, None if number is None else str(number), version)
        message.session = getattr(connection, "session_id", None)
        inner = getattr(context, "_inner", context)
        over = getattr(context.message_metadata, "request_context", None)
        return self._from(message, over, getattr(inner, "_dispatcher", None), (params or {}).get("_meta"))

    # --- both -------------------------------------------------------------------------------------------------------

    def _from(self, message: Message, over: Any, owner: Any, meta: Any) -> Route:
        """A request that came: over HTTP, as the server's framework shows it, or through a stream."""
        if over is not None:
            message.network, message.network_protocol = "tcp", "http"
            message.session = message.session or over.headers.get("mcp-session-id")
            message.http_version = get(over.scope, "http_version")
            if over.client is not None:
                message.client_address, message.client_port = over.client
        elif (transport := self._transports.of(owner)) is not None:
            message.network, message.network_protocol = transport.network, transport.protocol
            message.session = message.session or transport.session
        told = {name: value for name in _TRACE if isinstance(value := _said(meta, name), str)}
        return Route(self.served, message, None, carrier=told or None)


def _said(meta: Any, name: str) -> Any:
    """A value of a request's `_meta`, or of HTTP's headers."""
    return get(meta, name) if isinstance(meta, dict) or not isinstance(meta, Mapping) else meta.get(name)


def _to(transport: Transport | None, message: Message, reader: Request) -> Route:
    if transport is None:
        return Route(reader, message, None)
    message.network, message.network_protocol = transport.network, transport.protocol
    message.session = transport.session
    return Route(reader, message, None, transport.address, transport.port)


def _with_meta(request: Any, headers: Mapping[str, str]) -> Any:
    """A copy of the typed request with these in its `_meta`; its own was made by the application."""
    plain = request.model_dump(by_alias=True, mode="json", exclude_none=True)
    params = plain.get("params") or {}
    meta = {**(params.get("_meta") or {}), **headers}
    return type(request).model_validate({**plain, "params": {**params, "_meta": meta}})
