"""Google's Gen AI client, for the Gemini API and Vertex: content, embeddings, and the functions it calls by itself."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.google_contents import add_content, field, parts, searched, spoken, tools
from throughline.adapters.google_embeddings import Embeddings
from throughline.operation import Operation, fitting
from throughline.parts import get, items, member, message, parsed, place
from throughline.servers import server

_FINISH_REASONS = {
    **dict.fromkeys(("STOP",), "stop"),
    **dict.fromkeys(("MAX_TOKENS",), "length"),
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY",
         "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"), "content_filter"),
    **dict.fromkeys(
        ("OTHER", "LANGUAGE", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "NO_IMAGE",
         "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "IMAGE_OTHER"), "error"),
}  # fmt: skip
_OUTPUT_TYPES = {"IMAGE": "image", "AUDIO": "speech", "TEXT": "text"}
_LATEST = ('"usageMetadata"', '"modelVersion"', '"responseId"')  # of each, the last chunk that has it tells


class GenerateContent(Reader):
    """`:generateContent` and `:streamGenerateContent`."""

    operation = "generate_content"
    params = {
        "model": "model",
        "stream": "stream",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "max_tokens": "generationConfig.maxOutputTokens",
        "choice_count": "generationConfig.candidateCount",
        "stop_sequences": "generationConfig.stopSequences",
        "presence_penalty": "generationConfig.presencePenalty",
        "frequency_penalty": "generationConfig.frequencyPenalty",
        "seed": "generationConfig.seed",
    }
    results = {
        "response_id": "responseId",
        "response_model": "modelVersion",
        "cache_read_tokens": "usageMetadata.cachedContentTokenCount",
        "reasoning_tokens": "usageMetadata.thoughtsTokenCount",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if (asked := member(body, "generationConfig")) is not None:
            op.output_type = _output_type(asked)
            level = field(field(asked, "thinkingConfig"), "thinkingLevel")
            op.reasoning_level = level.lower() if isinstance(level, str) else None

    def request_content(self, op: Operation, body: Any) -> None:
        op.system = [part for part in parts(field(body, "systemInstruction")) if part]
        op.input = [spoken(content) for content in items(body, "contents")]
        op.tools = [tool for offered in items(body, "tools") for tool in tools(offered)]

    def response(self, op: Operation, body: Any) -> None:
        _settle(body)
        super().response(op, body)
        usage = member(body, "usageMetadata")
        op.input_tokens = _sum(usage, "promptTokenCount", "toolUsePromptTokenCount")
        op.output_tokens = _sum(usage, "candidatesTokenCount", "thoughtsTokenCount")
        op.finish_reasons = [reason for c in items(body, "candidates") if (reason := _finish_reason(c))] or None
        if op.finish_reasons is None and get(body, "promptFeedback.blockReason"):
            op.finish_reasons = ["content_filter"]
        if failure := member(body, "error"):  # amid a stream; older clients pass it on as an empty chunk
            op.error_type = fitting(member(failure, "status"), str) or "error"

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message(
                "assistant",
                [*searched(candidate), *parts(member(candidate, "content"))],
                finish_reason=_finish_reason(candidate) or op.end_reason,
            )
            for candidate in items(body, "candidates")
        ]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        """The client hands a chunk on as JSON: only what ends something is decoded, of the rest the last at the end."""
        body = chunk.body
        for mark in _LATEST:
            if mark in body:
                whole[mark] = body
        if '"finishReason"' in body or '"functionCall"' in body or '"blockReason"' in body or '"error"' in body:
            _add_end(whole, json.loads(body))

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        add_content(whole, json.loads(chunk.body))


def _output_type(asked: Any) -> str | None:
    """The conventions' word for what the request asks to get; of several, the one that is not text."""
    wanted = [_OUTPUT_TYPES.get(kind) for kind in items(asked, "responseModalities") if isinstance(kind, str)]
    mime_type = field(asked, "responseMimeType")
    if mime_type == "application/json":
        return "json"
    return min(filter(None, wanted), default="text" if isinstance(mime_type, str) else None, key="text".__eq__)


def _sum(usage: Any, *counts: str) -> int | None:
    """The provider counts these apart, the conventions do not."""
    known = [count for name in counts if (count := fitting(member(usage, name), int)) is not None]
    return sum(known) if known else None


def _finish_reason(candidate: Any) -> str | None:
    reason = member(candidate, "finishReason")
    if not isinstance(reason, str):
        return None
    if reason == "STOP" and (member(candidate, "calls") or _calls(candidate)):
        return "tool_call"
    return _FINISH_REASONS.get(reason, reason.lower())


def _calls(candidate: Any) -> bool:
    """Whether it asks the application to call a function: the provider gives that no reason of its own."""
    return any(field(part, "functionCall") is not None for part in items(candidate, "content.parts"))


def _add_end(whole: dict[str, Any], reply: Any) -> None:
    for candidate in items(reply, "candidates"):
        known = place(whole.setdefault("candidates", []), member(candidate, "index"), dict)
        known["calls"] = known.get("calls") or _calls(candidate)
        known["finishReason"] = member(candidate, "finishReason") or known.get("finishReason")
    for name in ("promptFeedback", "error"):
        if (value := member(reply, name)) is not None:
            whole[name] = value


def _settle(whole: Any) -> None:
    """Decode what `fold` kept of a stream."""
    decoded: dict[str, Any] = {}
    for mark in _LATEST:
        if isinstance(whole, dict) and (kept := whole.pop(mark, None)) is not None:
            if kept not in decoded:
                decoded[kept] = json.loads(kept)
            whole[mark.strip('"')] = member(decoded[kept], mark.strip('"'))


class LocalFunction(Reader):
    """A function of the application that the client calls because the model asked for it."""

    operation = "execute_tool"
    kind = "internal"
    encloses = True

    def request(self, op: Operation, body: Any) -> None:
        function = body["function_to_invoke"]
        op.tool_name, op.tool_type = function.__name__, "function"
        op.tool_description = inspect.getdoc(function)

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = body["args"]

    def response(self, op: Operation, body: Any) -> None:
        """Whatever the function returned: it is nobody's reply."""

    def response_content(self, op: Operation, body: Any) -> None:
        op.tool_result = parsed(body)

    def error(self, op: Operation, error: BaseException) -> str | None:  # noqa: ARG002 - the arguments tell nothing more
        """What the function raised, which the client puts into an error of its own."""
        own = error.__context__ if type(error).__name__ == "FunctionInvocationError" else None
        return type(own).__qualname__ if own is not None else None


_CONTENT, _EMBEDDINGS, _FUNCTION = GenerateContent(), Embeddings(), LocalFunction()
_CLIENT, _FUNCTIONS = "google.genai._api_client:BaseApiClient", "google.genai._extra_utils"


class GoogleGenAI(Adapter):
    """The `google-genai` package. All that it sends passes its API client's four requests, as it goes on the wire."""

    coarse = frozenset({"ClientError", "ServerError", "APIError"})
    patches = (
        Patch(f"{_CLIENT}.request"),
        Patch(f"{_CLIENT}.request_streamed"),
        Patch(f"{_CLIENT}.async_request"),
        Patch(f"{_CLIENT}.async_request_streamed"),
        Patch(f"{_CLIENT}._request_once", "attempt"),
        Patch(f"{_CLIENT}._async_request_once", "attempt"),
        Patch(f"{_FUNCTIONS}:invoke_function_from_dict_args"),
        Patch(f"{_FUNCTIONS}:invoke_function_from_dict_args_async"),
    )
    readers = {
        "generateContent": _CONTENT,
        "streamGenerateContent": _CONTENT,
        "batchEmbedContents": _EMBEDDINGS,
        "embedContent": _EMBEDDINGS,
        "predict": _EMBEDDINGS,
    }

    def route(self, call: Call) -> Route | None:
        if call.instance is None:
            return Route(_FUNCTION, call.named("args", "function_to_invoke"), None)
        _, path, body, options = _given(call)
        model, _, verb = path.partition("?")[0].rpartition(":")
        reader = self.readers.get(verb)
        if reader is None or (verb == "predict" and not get(body, "instances.0.content")):  # as pictures are made, too
            return None
        client = call.instance
        extra = member(options, "extra_body") or member(client._http_options, "extra_body")
        body = {
            **(_merged(body, extra) if extra else body),
            "model": _model(model),
            "stream": verb.startswith("stream"),
        }
        address, port = server(member(options, "base_url") or member(client._http_options, "base_url"))
        return Route(reader, body, "gcp.vertex_ai" if client.vertexai else "gcp.gemini", address, port)

    def deliver(self, result: Any, running: Running) -> Any:
        if running.reader is _FUNCTION:
            running.finish(result)
        elif running.reader is _EMBEDDINGS:
            running.finish(result.body)
        elif hasattr(result, "__anext__"):
            return running.replaced(result)
        else:
            running.finish(json.loads(result.body) if result.body else {})
        return result

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> tuple[Any, ...] | None:  # noqa: ARG002 - usage always comes
        if call.kwargs:
            return None
        *others, options = _given(call)
        sent = {**(member(options, "headers") or {}), **headers}
        if hasattr(options, "model_copy"):
            return *others, options.model_copy(update={"headers": sent})
        return *others, {**(options or {}), "headers": sent}


def _given(call: Call) -> tuple[Any, ...]:
    """Method, path, body and options; the client itself passes them all by position."""
    given = call.named("http_method", "path", "request_dict", "http_options")
    return given["http_method"], given["path"], given["request_dict"], given.get("http_options")


def _model(path: str) -> str:
    """The model's name without where it lies; of a tuned one or an endpoint, that tells it from others."""
    return path.rpartition("/models/" if "/models/" in path else "models/" if path.startswith("models/") else "\0")[2]


def _merged(body: Any, extra: Any) -> Any:
    """A body as the client merges it with what the application adds to it."""
    if not (isinstance(body, Mapping) and isinstance(extra, Mapping)):
        return extra
    return {**body, **{key: _merged(body[key], value) if key in body else value for key, value in extra.items()}}
