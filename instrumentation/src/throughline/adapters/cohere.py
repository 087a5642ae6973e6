"""Cohere's client: chat, embed and rerank of its second API, and where to patch. The first API is `cohere_v1.py`'s."""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.cohere_v1 import TOKENS, Chat, Generate, documents, finish_reason, note_failure, uncounted
from throughline.operation import Operation, Part, fitting
from throughline.parts import (
    function_tool,
    get,
    items,
    media,
    member,
    message,
    parsed,
    place,
    reasoning,
    text,
    tool_call,
    tool_result,
)
from throughline.servers import server


class ChatV2(Reader):
    """`/v2/chat`."""

    params = {key: path for key, path in Chat.params.items() if key != "conversation_id"}
    results = {
        "response_id": "id",
        "input_tokens": TOKENS.format("usage", "input"),
        "output_tokens": TOKENS.format("usage", "output"),
        "cache_read_tokens": "usage.cached_tokens",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if form := fitting(get(body, "response_format.type"), str):
            op.output_type = form.partition("_")[0]  # json_object, text

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = [message(get(m, "role"), _said(m)) for m in items(body, "messages")] + documents(body)
        op.tools = [
            function_tool(*(parsed(get(t, f"function.{key}")) for key in ("name", "description", "parameters")))
            for t in items(body, "tools")
        ]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        uncounted(op)
        if reason := finish_reason(body):
            op.finish_reasons = [reason]
        note_failure(op, body)

    def response_content(self, op: Operation, body: Any) -> None:
        if said := _said(get(body, "message")):
            op.output = [message("assistant", said, finish_reason=finish_reason(body) or op.end_reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        match member(chunk, "type"):
            case "message-start":
                whole["id"] = member(chunk, "id")
            case "message-end":
                end = member(chunk, "delta")
                whole |= {key: member(end, key) for key in ("finish_reason", "usage", "error")}

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        kind, at, delta = member(chunk, "type"), member(chunk, "index"), get(chunk, "delta.message")
        said = whole.setdefault("message", {"content": [], "tool_calls": [], "tool_plan": ""})
        match kind:
            case "content-start":
                place(said["content"], at, dict)["type"] = get(delta, "content.type")
                _continue(place(said["content"], at, dict), get(delta, "content"), "text", "thinking")
            case "content-delta":
                _continue(place(said["content"], at, dict), get(delta, "content"), "text", "thinking")
            case "tool-plan-delta":
                _continue(said, delta, "tool_plan")
            case "tool-call-start" | "tool-call-delta":
                call, added = place(said["tool_calls"], at, lambda: {"function": {}}), get(delta, "tool_calls")
                call["id"] = get(added, "id") or call.get("id")
                _continue(call["function"], get(added, "function"), "name", "arguments")


def _continue(known: dict[str, Any], delta: Any, *keys: str) -> None:
    for key in keys:
        if added := fitting(member(delta, key), str):
            known[key] = known.get(key, "") + added


def _said(m: Any) -> list[Part | None]:
    """What a message says, in the order in which it comes: the plan, the content, the calls."""
    content = get(m, "content")
    told = [text(content)] if isinstance(content, str) else [_part(block) for block in items(m, "content")]
    if get(m, "role") == "tool":
        return [tool_result(get(m, "tool_call_id"), content if isinstance(content, str) else told)]
    plan = fitting(get(m, "tool_plan"), str)
    calls = [
        tool_call(get(call, "id"), get(call, "function.name"), get(call, "function.arguments"))
        for call in items(m, "tool_calls")
    ]
    return [reasoning(plan) if plan else None, *told, *calls]


def _part(block: Any) -> Part:
    match get(block, "type"):
        case "text":
            return text(fitting(get(block, "text"), str) or "")
        case "thinking":
            return reasoning(fitting(get(block, "thinking"), str) or "")
        case "image_url":
            return media("image", fitting(get(block, "image_url.url"), str))
        case "document":
            return {"type": "document", "document": parsed(get(block, "document"))}
    return {"type": fitting(get(block, "type"), str) or "unknown"}


class Embed(Reader):
    """`/v2/embed` and `/v1/embed`."""

    operation = "embeddings"
    params = {"model": "model", "encoding_formats": "embedding_types", "dimension_count": "output_dimension"}
    results = {"input_tokens": TOKENS.format("meta", "input")}

    def request_content(self, op: Operation, body: Any) -> None:
        given = [text(t) for t in items(body, "texts") if isinstance(t, str)]
        given += [media("image", image) for image in items(body, "images") if isinstance(image, str)]
        given += [_part(block) for each in items(body, "inputs") for block in items(each, "content")]
        op.input = [message("user", given)] if given else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        uncounted(op)
        found = get(body, "embeddings")
        plain = ("float_", "float", "int8", "uint8")  # the other kinds are packed
        kinds = [found] if isinstance(found, list) else [get(found, key) for key in plain]
        vector = next((vectors[0] for vectors in kinds if isinstance(vectors, list) and vectors), None)
        if isinstance(vector, list):
            op.dimension_count = len(vector)


class Rerank(Reader):
    """`/v2/rerank` and `/v1/rerank`, as a retrieval: the conventions have no word for it, and what it gives is what a
    search gives, documents in the order of their scores. A document's id is its place in the request."""

    operation = "retrieval"
    params = {"model": "model", "retrieval_top_k": "top_n"}

    def request_content(self, op: Operation, body: Any) -> None:
        op.query = fitting(get(body, "query"), str)

    def scores(self, body: Any) -> list[Any]:
        return [get(found, "relevance_score") for found in items(body, "results")]

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [
            {"id": str(get(found, "index")), "score": fitting(get(found, "relevance_score"), float)}
            for found in items(body, "results")
        ]


_EMBED, _RERANK = Embed(), Rerank()
_READERS: Mapping[tuple[bool, str], Reader] = {
    (True, "chat"): ChatV2(), (True, "embed"): _EMBED, (True, "rerank"): _RERANK,
    (False, "chat"): Chat(), (False, "embed"): _EMBED, (False, "rerank"): _RERANK, (False, "generate"): Generate(),
}  # fmt: skip
_ELSEWHERE = "n/a"  # how the clients for other clouds name themselves; their base URL is not used
_AWS = {"bedrock": "bedrock-runtime.{}.amazonaws.com", "sagemaker": "runtime.sagemaker.{}.amazonaws.com"}
_RETRIES = {"_retry_timeout": "retry", "_retry_timeout_from_retries": "retry", "_should_retry": "verdict"}


def _points() -> Iterator[Patch]:
    """Replies pass the raw clients; streams also the generators above these, whose loss is seen only there."""
    replies = {"v2": ("V2Client", ("chat", "embed", "rerank")),
               "": ("BaseCohere", ("chat", "generate", "embed", "rerank"))}  # fmt: skip
    for kind in ("", "Async"):
        for folder, (name, methods) in replies.items():
            raw, above = ("v2.raw_client", "v2.client") if folder else ("raw_base_client", "base_client")
            for method in methods:
                yield _patch(f"cohere.{raw}", f"{kind}Raw{name}.{method}")
                if method in ("chat", "generate"):
                    yield _patch(f"cohere.{raw}", f"{kind}Raw{name}.{method}_stream")
                    yield _patch(f"cohere.{above}", f"{kind}{name}.{method}_stream")
        yield _patch("cohere.core.http_response", f"{kind}HttpResponse.__init__", kind="answer")
    for function, how in _RETRIES.items():
        yield _patch("cohere.core.http_client", function, kind=how, optional=function.endswith("from_retries"))


def _patch(module: str, path: str, **how: Any) -> Patch:
    return Patch(f"{module}:{path}", late=module not in sys.modules, **how)


def _place(wrapper: Any) -> tuple[str, str | None, int | None]:
    """Whose models a client uses, and where: one for another cloud keeps that in the hook that changes its requests."""
    hooks = wrapper.httpx_client.httpx_client.event_hooks["request"] if wrapper._client_name == _ELSEWHERE else ()
    for hook in hooks:
        cells = zip(hook.__code__.co_freevars, hook.__closure__ or (), strict=True)
        known = {name: cell.cell_contents for name, cell in cells}
        if host := _AWS.get(str(known.get("service"))):
            provider = "aws.bedrock" if known["service"] == "bedrock" else "cohere"
            return provider, host.format(known.get("aws_region")), 443
    return ("cohere", None, None) if hooks else ("cohere", *server(wrapper.get_base_url()))


class Cohere(Adapter):
    """The `cohere` package: its clients for both APIs, sync and async."""

    @property
    def patches(self) -> Iterable[Patch]:  # type: ignore[override]
        return list(_points())

    def route(self, call: Call) -> Route | None:
        kind, _, method = call.point.partition(".")
        asked = {**call.kwargs, "stream": True} if method.endswith("_stream") else call.kwargs
        client = call.instance
        wrapper = getattr(client, "_client_wrapper", None) or client._raw_client._client_wrapper
        reader = _READERS["V2" in kind, method.removesuffix("_stream")]
        return Route(reader, asked, *_place(wrapper))

    def deliver(self, result: Any, running: Running) -> Any:
        """A reply is inside its response; a stream is inside a context manager, which opens it."""
        if not hasattr(result, "gen"):
            running.finish(result.data)
            return result
        opening = (_opened_async if hasattr(result, "__aenter__") else _opened)(result, running)
        weakref.finalize(opening, running.dropped).atexit = False
        return opening

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - usage is always sent
        if headers and isinstance(call.kwargs, dict):
            options = call.kwargs.get("request_options") or {}
            also = {**(options.get("additional_headers") or {}), **headers}
            call.kwargs["request_options"] = {**options, "additional_headers": also}


def _headers(response: Any) -> Any:
    """As they came: the client's own `headers` makes a new dictionary of them."""
    return getattr(getattr(response, "_response", None), "headers", None)


class _Failing:
    """Inside it, an error is the operation's."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if error is not None:
            self._running.fail(error)


@contextmanager
def _opened(stream: Any, running: Running) -> Iterator[Any]:
    with ExitStack() as stack:
        with _Failing(running):
            response = stack.enter_context(stream)
        stack.callback(running.closed)
        running.limits(_headers(response))
        response._data = running.replaced(response._data)
        yield response


@asynccontextmanager
async def _opened_async(stream: Any, running: Running) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        with _Failing(running):
            response = await stack.enter_async_context(stream)
        stack.callback(running.closed)
        running.limits(_headers(response))
        response._data = running.replaced(response._data)
        yield response
