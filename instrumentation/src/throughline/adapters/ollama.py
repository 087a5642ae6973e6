"""Ollama's client: chat, generate, embed. Not the management of models, nor its web search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.operation import Operation, Part, fitting
from throughline.parts import (
    function_tool,
    get,
    items,
    media,
    member,
    message,
    reasoning,
    text,
    texts_in,
    tool_call,
    tool_result,
)
from throughline.servers import default_port

_TOLD_LAST = ("model", "done_reason", "prompt_eval_count", "eval_count")


class Generate(Reader):
    """`/api/generate`: by the conventions' words a text completion, as it takes a prompt and no messages."""

    operation = "text_completion"
    params = {
        "model": "model",
        "stream": "stream",
        "temperature": "options.temperature",
        "top_p": "options.top_p",
        "top_k": "options.top_k",
        "seed": "options.seed",
        "frequency_penalty": "options.frequency_penalty",
        "presence_penalty": "options.presence_penalty",
        "reasoning_level": "think",
    }
    results = {"response_model": "model", "input_tokens": "prompt_eval_count", "output_tokens": "eval_count"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        most = fitting(get(body, "options.num_predict"), int)
        op.max_tokens = most if most is not None and most > 0 else None  # what is less means no limit
        stop = get(body, "options.stop")
        op.stop_sequences = [stop] if isinstance(stop, str) else fitting(stop, list)
        op.output_type = "json" if get(body, "format") else None  # the word, or a schema

    def request_content(self, op: Operation, body: Any) -> None:
        system, asked = (
            fitting(get(body, "system"), str),
            [fitting(get(body, key), str) for key in ("prompt", "suffix")],
        )
        op.system = [text(system)] if system else None
        op.input = [message("user", [*(text(part) for part in asked if part), *_images(body)])]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if reason := fitting(get(body, "done_reason"), str):
            called = reason == "stop" and get(body, "message.tool_calls")
            op.finish_reasons = ["tool_call" if called else reason]

    def response_content(self, op: Operation, body: Any) -> None:
        made = fitting(get(body, "image"), str)
        said = [*_said(get(body, "thinking"), get(body, "response")), media("image", made) if made else None]
        self.answered(op, said)

    def answered(self, op: Operation, said: list[Part | None]) -> None:
        """The answer, which ended as the operation knows, or was broken off; of a refusal, none."""
        if op.error_type and not any(said):
            return
        op.output = [message("assistant", said, finish_reason=next(iter(op.finish_reasons or ()), op.end_reason))]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if chunk.done or "model" not in whole:
            whole |= {key: value for key in _TOLD_LAST if (value := member(chunk, key)) is not None}

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        _continue(whole, chunk, "response", "thinking")
        whole["image"] = member(chunk, "image") or whole.get("image")


class Chat(Generate):
    """`/api/chat`."""

    operation = "chat"

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = [message(get(m, "role"), _turn(m)) for m in items(body, "messages")]
        op.tools = [
            function_tool(*(get(t, f"function.{key}") for key in ("name", "description", "parameters")))
            for t in items(body, "tools")
        ]

    def response_content(self, op: Operation, body: Any) -> None:
        self.answered(op, _turn(get(body, "message")))

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold(whole, chunk)
        if calls := chunk.message.tool_calls:
            whole.setdefault("message", {}).setdefault("tool_calls", []).extend(calls)

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        _continue(whole.setdefault("message", {}), member(chunk, "message"), "content", "thinking")


def _continue(known: dict[str, Any], chunk: Any, *keys: str) -> None:
    for key in keys:
        if added := member(chunk, key):
            known[key] = known.get(key, "") + added


def _said(thought: Any, told: Any) -> list[Part | None]:
    return [
        reasoning(thought) if thought and isinstance(thought, str) else None,
        text(told) if told and isinstance(told, str) else None,
    ]


def _turn(m: Any) -> list[Part | None]:
    if get(m, "role") == "tool":
        return [tool_result(None, get(m, "content"))]
    calls = [
        tool_call(None, get(call, "function.name"), get(call, "function.arguments")) for call in items(m, "tool_calls")
    ]
    return [*_said(get(m, "thinking"), get(m, "content")), *_images(m), *calls]


def _images(m: Any) -> list[Part]:
    """Pictures as they are sent, in base64."""
    return [media("image", each) for each in items(m, "images") if isinstance(each, str)]


class Embed(Reader):
    """`/api/embed`, and the older `/api/embeddings` for one text at a time."""

    operation = "embeddings"
    params = {"model": "model", "dimension_count": "dimensions"}
    results = {"response_model": "model", "input_tokens": "prompt_eval_count"}

    def request_content(self, op: Operation, body: Any) -> None:
        texts = texts_in(body, "input") or texts_in(body, "prompt")
        op.input = [message("user", [text(t) for t in texts])] if texts else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        found = items(body, "embeddings")
        if vector := found[0] if found else get(body, "embedding"):
            op.dimension_count = len(vector)


_EMBED = Embed()
_READERS = {"/api/chat": Chat(), "/api/generate": Generate(), "/api/embed": _EMBED, "/api/embeddings": _EMBED}


class Ollama(Adapter):
    """The `ollama` package: its clients, and its functions, which are methods of one client."""

    coarse = frozenset({"ResponseError"})
    patches = (Patch("ollama._client:Client._request"), Patch("ollama._client:AsyncClient._request"))

    def route(self, call: Call) -> Route | None:
        reader = _READERS.get(call.args[2]) if len(call.args) > 2 else None
        body = call.kwargs.get("json")
        if reader is None or not isinstance(body, dict):
            return None
        url = call.instance._client.base_url
        return Route(reader, body, "ollama", url.host, url.port or default_port(url.scheme))

    def deliver(self, result: Any, running: Running) -> Any:
        """A stream is a bare generator, which asks the server when it is first read."""
        if hasattr(result, "__next__") or hasattr(result, "__anext__"):
            return running.replaced(result)
        running.finish(result)
        return result

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - usage is always sent
        if headers and isinstance(call.kwargs, dict):
            call.kwargs["headers"] = {**(call.kwargs.get("headers") or {}), **headers}
