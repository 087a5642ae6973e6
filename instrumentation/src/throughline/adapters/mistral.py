"""Mistral's client, also for Azure and Google Cloud: chat, agents, fill-in-the-middle, embeddings. No conversations.

The public methods are patched, and not the one `do_request` below them: that one knows the request and the stream only
as bytes, and returns before the client raises what the application gets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.mistral_chunks import add_content, add_tool_call, parts, tool, tool_call
from throughline.adapters.responses import watch_close
from throughline.operation import Operation, Part, fitting
from throughline.parts import get, items, member, message, place, text, texts_in, tool_result
from throughline.servers import server

_FINISH_REASONS = {"tool_calls": "tool_call", "model_length": "length"}


class Completion(Reader):
    """`/v1/chat/completions`."""

    params = {
        "model": "model",
        "stream": "stream",
        "max_tokens": "max_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "seed": "random_seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "choice_count": "n",
        "reasoning_level": "reasoning_effort",
    }
    results = {
        "response_id": "id",
        "response_model": "model",
        "input_tokens": "usage.prompt_tokens",
        "output_tokens": "usage.completion_tokens",
        "cache_read_tokens": "usage.prompt_tokens_details.cached_tokens",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if (stop := member(body, "stop")) is not None:
            op.stop_sequences = [stop] if isinstance(stop, str) else fitting(stop, list)
        if form := fitting(get(body, "response_format.type"), str):
            op.output_type = form.partition("_")[0]  # json_object, json_schema, text

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = [message(get(m, "role"), _said(m)) for m in items(body, "messages")]
        op.tools = [tool(t) for t in items(body, "tools")]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if not _told(member(body, "usage")):
            op.input_tokens = op.output_tokens = None
        op.finish_reasons = [reason for c in items(body, "choices") if (reason := _reason(c))] or None

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message("assistant", _answered(c), finish_reason=_reason(c) or op.end_reason)
            for c in items(body, "choices")
        ]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        chunk = chunk.data
        if "model" in whole and _is_only_text(chunk):
            return
        for key in ("id", "model", "usage"):
            if (value := member(chunk, key)) is not None:
                whole[key] = value
        for choice in items(chunk, "choices"):
            if (reason := member(choice, "finish_reason")) is not None:
                _choice(whole, choice)["finish_reason"] = reason

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        for choice in items(chunk.data, "choices"):
            said, delta = _choice(whole, choice)["message"], member(choice, "delta")
            add_content(said["content"], member(delta, "content"))
            for call in items(delta, "tool_calls"):
                add_tool_call(said["tool_calls"], call)


def _reason(choice: Any) -> str | None:
    reason: str | None = fitting(get(choice, "finish_reason"), str)
    return _FINISH_REASONS.get(reason, reason) if reason else None


def _is_only_text(chunk: Any) -> bool:
    """Whether the chunk ends nothing, as nearly all do; asked for every one, so it must cost next to nothing."""
    if chunk.usage is not None:
        return False
    return all(choice.finish_reason is None for choice in chunk.choices)


def _told(usage: Any) -> bool:
    """Whether the provider counted tokens: where it does not, newer clients say 0."""
    counted = getattr(usage, "model_fields_set", usage) or ()
    return "prompt_tokens" in counted


def _choice(whole: dict[str, Any], choice: Any) -> dict[str, Any]:
    """The choice of `whole` that this chunk's choice continues."""
    choices = whole.setdefault("choices", [])
    return place(choices, member(choice, "index"), lambda: {"message": {"content": [], "tool_calls": []}})


def _said(m: Any) -> list[Part | None]:
    if get(m, "role") == "tool":
        content = get(m, "content")
        call_id = fitting(get(m, "tool_call_id"), str)
        return [tool_result(call_id, content if isinstance(content, str) else parts(content))]
    return [*parts(get(m, "content")), *map(tool_call, items(m, "tool_calls"))]


def _answered(choice: Any) -> list[Part | None]:
    """What a choice says: one message, or where the provider used its own tools, several."""
    if (only := get(choice, "message")) is not None:
        return _said(only)
    return [part for m in items(choice, "messages") for part in _said(m)]


class Agents(Completion):
    """`/v1/agents/completions`: a chat, of which the agent has the model and the instructions."""

    params = {**{key: path for key, path in Completion.params.items() if key != "model"}, "agent_id": "agent_id"}


class FillIn(Completion):
    """`/v1/fim/completions`: what comes between a beginning and an end."""

    operation = "text_completion"

    def request_content(self, op: Operation, body: Any) -> None:
        given = [fitting(get(body, key), str) for key in ("prompt", "suffix")]
        op.input = [message("user", [text(part) for part in given if part])]


class Embeddings(Reader):
    """`/v1/embeddings`."""

    operation = "embeddings"
    params = {"model": "model", "dimension_count": "output_dimension"}
    results = {"response_model": "model", "input_tokens": "usage.prompt_tokens"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if encoding := fitting(get(body, "encoding_format"), str):
            op.encoding_formats = [encoding]

    def request_content(self, op: Operation, body: Any) -> None:
        texts = texts_in(body, "inputs")
        op.input = [message("user", [text(t) for t in texts])] if texts else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if not _told(member(body, "usage")):
            op.input_tokens = None
        vector = get(body, "data.0.embedding") if items(body, "data") else None
        if isinstance(vector, list):
            op.dimension_count = len(vector)


_CHAT = Completion()
_READERS = {"Chat": _CHAT, "Agents": Agents(), "Fim": FillIn(), "Embeddings": Embeddings()}
_COMPLETIONS = ("complete", "complete_async", "stream", "stream_async")
_BASES = {  # the generated package → its provider, and the endpoints that it has; the first generation's names last
    "mistralai.client": ("mistral_ai", ("chat", "agents", "fim", "embeddings")),
    "mistralai.azure.client": ("azure.ai.inference", ("chat",)),
    "mistralai.gcp.client": ("gcp.vertex_ai", ("chat", "fim")),
    "mistralai": ("mistral_ai", ("chat", "agents", "fim", "embeddings")),
    "mistralai_azure": ("azure.ai.inference", ("chat",)),
    "mistralai_gcp": ("gcp.vertex_ai", ("chat", "fim")),
}


def _untraced(hook: Any, _call: Any, request: Any) -> Any:
    """What the client's own tracing gives where it traces nothing: the request as it is. Where the application gave it
    a provider of its own, to send its spans elsewhere, it goes on."""
    return NotImplemented if getattr(hook, "tracer_provider", None) is not None else request


def _points(base: str, endpoints: Iterable[str]) -> Iterator[Patch]:
    """What to patch of one generated package, which imports an endpoint only when it is used."""
    for endpoint in endpoints:
        methods = ("create", "create_async") if endpoint == "embeddings" else _COMPLETIONS
        for method in methods:
            yield _patch(f"{base}.{endpoint}", f"{endpoint.capitalize()}.{method}")
    for method in ("do_request", "do_request_async"):
        yield _patch(f"{base}.basesdk", f"BaseSDK.{method}", kind="answer")
    yield _patch(f"{base}.utils.retries", "_get_sleep_interval", kind="retry")
    traced = "TracingHook.before_request"
    yield _patch(f"{base}._hooks.tracing", traced, kind="native", optional=True, instead=_untraced)


def _patch(module: str, path: str, **how: Any) -> Patch:
    return Patch(f"{module}:{path}", late=module not in sys.modules, **how)


class Mistral(Adapter):
    """The `mistralai` package, whose three generated clients are alike."""

    coarse = frozenset({"SDKError"})

    @property
    def patches(self) -> Iterable[Patch]:  # type: ignore[override]
        return [patch for base, (_, endpoints) in _BASES.items() for patch in _points(base, endpoints)]

    def route(self, call: Call) -> Route | None:
        kind, _, method = call.point.partition(".")
        asked = {**call.kwargs, "stream": True} if method.startswith("stream") else call.kwargs
        url = call.kwargs.get("server_url") or call.instance.sdk_configuration.get_server_details()[0]
        return Route(_READERS[kind], asked, self.provider(call.instance), *server(url))

    def provider(self, endpoint: Any) -> str:
        """The conventions' name of whoever answers this client; its own subclasses stand elsewhere."""
        modules = (one.__module__.rpartition(".")[0] for one in type(endpoint).__mro__)
        return next((_BASES[module][0] for module in modules if module in _BASES), "mistral_ai")

    def deliver(self, result: Any, running: Running) -> Any:
        """A stream's own generator is watched; anything else is the whole reply."""
        own = getattr(result, "__dict__", {})
        if "generator" in own and "response" in own:
            result.generator = running.watched(result.generator)
            watch_close(result.response, running)
        else:
            running.finish(result)
        return result

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - usage is always sent
        if headers and isinstance(call.kwargs, dict):
            call.kwargs["http_headers"] = {**(call.kwargs.get("http_headers") or {}), **headers}
