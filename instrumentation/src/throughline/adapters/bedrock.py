"""Bedrock by way of botocore or aiobotocore, whose calls all pass one method. Not what is in the bodies."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.bedrock_bodies import json_body, reader_of
from throughline.adapters.bedrock_converse import Converse, Retrieve, RetrieveAndGenerate
from throughline.servers import server

_SERVICES = ("bedrock-runtime", "bedrock-agent-runtime")
_CONVERSE, _GENERATE = Converse(), RetrieveAndGenerate()
_READERS: Mapping[str, tuple[Reader | None, bool]] = {  # None: its body tells which; whether it streams
    "Converse": (_CONVERSE, False),
    "ConverseStream": (_CONVERSE, True),
    "InvokeModel": (None, False),
    "InvokeModelWithResponseStream": (None, True),
    "Retrieve": (Retrieve(), False),
    "RetrieveAndGenerate": (_GENERATE, False),
    "RetrieveAndGenerateStream": (_GENERATE, True),
}
_headers: ContextVar[Mapping[str, str] | None] = ContextVar("throughline_bedrock_headers", default=None)


def _failed(result: Any) -> Any:
    """What an attempt failed with, of the response and the error of which one is there."""
    answered, error = result
    status: int = answered[0].status_code if answered else 0
    return error or (status if status >= 300 else None)


class Bedrock(Adapter):
    """The `botocore` package, and with it `boto3`."""

    patches = (
        Patch("botocore.client:BaseClient._make_api_call"),
        Patch("botocore.endpoint:Endpoint._get_response", "attempt", failed=_failed),
    )

    def route(self, call: Call) -> Route | None:
        found = _READERS.get(call.args[0] if call.args else call.kwargs["operation_name"])
        if found is None or call.instance.meta.service_model.service_name not in _SERVICES:
            return None
        (reader, streams), body = found, {**call.named("operation_name", "api_params")["api_params"]}
        if streams:
            body["stream"] = True
        if reader is None:
            body["body"] = json_body(body.get("body"))
            reader = reader_of(str(body.get("modelId")), body["body"])
        return Route(reader, body, "aws.bedrock", *server(call.instance.meta.endpoint_url))

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - streams tell usage
        """Headers go in where the client has made its request, and before it signs that."""
        meta = call.instance.meta
        name = call.named("operation_name")["operation_name"]
        _headers.set(headers)
        point = f"before-call.{meta.service_model.service_id.hyphenize()}.{name}"
        meta.events.register(point, _add_headers, unique_id=f"throughline-{point}")

    def deliver(self, result: Any, running: Running) -> Any:
        body = result.get("body", result.get("stream"))
        if body is None:
            running.finish(result)
            return result
        known = {"ResponseMetadata": result.get("ResponseMetadata")}
        running.seen(known)
        if hasattr(body, "_event_generator"):
            _watch_events(body, running)
        else:
            _watch_reads(body, known, running)
        return result


class AioBedrock(Bedrock):
    """The `aiobotocore` package, and with it `aioboto3`."""

    patches = (
        Patch("aiobotocore.client:AioBaseClient._make_api_call"),
        Patch("aiobotocore.endpoint:AioEndpoint._get_response", "attempt", failed=_failed),
    )


def _add_headers(params: dict[str, Any], **_: Any) -> None:
    """Called by the client's own events, once for each call that it makes."""
    if headers := _headers.get():
        _headers.set(None)
        params["headers"].update(headers)


def _watch_events(stream: Any, running: Running) -> None:
    """Put the watch under the stream that the caller gets, which stays the same object.

    The client's generator refers back to its stream, so that a dropped stream would only end when the garbage collector
    finds the circle. A twin takes the stream's place in it, and gives events that are parsed already.
    """
    twin = object.__new__(type(stream))
    vars(twin).update(vars(stream))
    twin._event_generator = twin._create_raw_event_generator()

    def close() -> None:
        running.closed()
        twin.close()

    asynchronous = hasattr(twin._event_generator, "__anext__")
    stream._event_generator = running.watched(aiter(twin) if asynchronous else iter(twin))
    stream._parse_event = _as_it_is_async if asynchronous else _as_it_is
    stream.get_initial_response, stream.close = twin.get_initial_response, close


def _as_it_is(event: Any) -> Any:
    return event


async def _as_it_is_async(event: Any) -> Any:
    return event


def _watch_reads(body: Any, known: Mapping[str, Any], running: Running) -> None:
    """A body that the caller reads by himself, perhaps later, perhaps through the HTTP response inside.

    What he calls belongs to a twin, which is there as long as the body or one of its methods is.
    """
    raw = body.__wrapped__ if hasattr(body, "__wrapped__") else body._raw_stream
    length = [getattr(body, name) for name in ("_content_length", "_self_content_length") if hasattr(body, name)]
    twin = type(body)(raw, *length)
    size = next((int(told) for told in length if str(told).isdecimal()), None)
    reads = running.watched_reads(lambda content: {**known, "body": json_body(content)}, size)
    for name in ("read", "readinto"):
        if hasattr(type(body), name):
            setattr(body, name, reads(getattr(twin, name)))
    if hasattr(raw, "__dict__"):
        raw.read, raw.close = reads(raw.read), _closing(raw.close, running)
    weakref.finalize(twin, _let_go, raw, running).atexit = False


def _closing(close: Callable[[], Any], running: Running) -> Callable[[], Any]:
    def closing() -> Any:
        running.closed()
        return close()

    return closing


def _let_go(raw: Any, running: Running) -> None:
    """The watch goes with the body, as what is put on the response refers to it."""
    running.dropped()
    for name in ("read", "close"):
        getattr(raw, "__dict__", {}).pop(name, None)
