"""OpenAI's client, for OpenAI, Azure and every compatible server: chat completions, embeddings, responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from throughline import names
from throughline.adapter import Reader
from throughline.adapters.openai_responses import Responses
from throughline.adapters.stainless import StainlessAdapter
from throughline.operation import Operation, Part, fitting
from throughline.parts import (
    file,
    function_tool,
    get,
    items,
    media,
    member,
    message,
    place,
    reasoning,
    text,
    tool_call,
    tool_result,
)


class Chat(Reader):
    """`/chat/completions`."""

    params = {
        "model": "model",
        "stream": "stream",
        "max_tokens": "max_tokens | max_completion_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "choice_count": "n",
        "reasoning_level": "reasoning_effort",
        names.OPENAI_REQUEST_SERVICE_TIER: "service_tier",
    }
    constants = {names.OPENAI_API_TYPE: "chat_completions"}
    results = {
        "response_id": "id",
        "response_model": "model",
        "input_tokens": "usage.prompt_tokens",
        "output_tokens": "usage.completion_tokens",
        "cache_read_tokens": "usage.prompt_tokens_details.cached_tokens",
        "reasoning_tokens": "usage.completion_tokens_details.reasoning_tokens",
        names.OPENAI_RESPONSE_SERVICE_TIER: "service_tier",
        names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: "system_fingerprint",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if (stop := member(body, "stop")) is not None:
            op.stop_sequences = [stop] if isinstance(stop, str) else fitting(stop, list)
        if (wanted := member(body, "response_format")) is not None:
            op.output_type = output_type(member(wanted, "type"))

    def request_content(self, op: Operation, body: Any) -> None:
        op.input = [message(get(m, "role"), self._parts(m)) for m in items(body, "messages")]
        op.tools = [_tool(t) for t in items(body, "tools")]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        choices = member(body, "choices")
        if isinstance(choices, list):
            op.finish_reasons = [r for c in choices if (r := member(c, "finish_reason"))] or None

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message("assistant", self._parts(get(c, "message")), finish_reason=get(c, "finish_reason") or op.end_reason)
            for c in items(body, "choices")
        ]

    def _parts(self, m: Any) -> list[Part | None]:
        if get(m, "role") == "tool":
            return [tool_result(get(m, "tool_call_id"), get(m, "content"))]
        content = get(m, "content")
        thought, refusal = get(m, "reasoning_content") or get(m, "reasoning"), get(m, "refusal")
        spoken = get(m, "audio.transcript")
        return [
            reasoning(thought) if isinstance(thought, str) else None,
            *([text(content)] if isinstance(content, str) else map(self._part, items(m, "content"))),
            text(refusal) if refusal else None,
            text(spoken) if spoken else None,
            *map(_tool_call, items(m, "tool_calls")),
        ]

    def _part(self, p: Any) -> Part | None:
        match get(p, "type"):
            case "text":
                return text(get(p, "text"))
            case "refusal":
                return text(get(p, "refusal"))
            case "image_url":
                return media("image", get(p, "image_url.url"))
            case "input_audio":
                return media("audio", f"data:audio/{get(p, 'input_audio.format')};base64,{get(p, 'input_audio.data')}")
            case "file" if get(p, "file.file_id"):
                return file("document", get(p, "file.file_id"))
            case "file":
                return media("document", get(p, "file.file_data", ""))
        return None

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if "model" in whole and _is_only_text(chunk):
            return
        for key in ("id", "model", "usage", "service_tier", "system_fingerprint"):
            if (value := member(chunk, key)) not in (None, ""):  # Azure's first one, of the filter, has no id and model
                whole[key] = value
        for choice in member(chunk, "choices") or ():
            if (reason := member(choice, "finish_reason")) is not None:
                _choice(whole, choice)["finish_reason"] = reason

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        for choice in member(chunk, "choices") or ():
            if (delta := member(choice, "delta")) is not None:
                _add_delta(_choice(whole, choice)["message"], delta)

    def ask_usage(self, body: Any) -> Any:
        if get(body, "stream_options.include_usage"):
            return None
        return {**body, "stream_options": {**get(body, "stream_options", {}), "include_usage": True}}

    def only_usage(self, chunk: Any) -> bool:
        return not member(chunk, "choices") and member(chunk, "usage") is not None


def _is_only_text(chunk: Any) -> bool:
    """Whether the chunk ends nothing, as nearly all do; asked for every one, so it must cost next to nothing."""
    try:
        if chunk.usage is not None:
            return False
        for choice in chunk.choices:
            if choice.finish_reason is not None:
                return False
    except AttributeError:  # it was read from bytes
        return False
    return True


def _tool(offered: Any) -> Part:
    kind = get(offered, "type", "function")
    if kind == "function":
        return function_tool(*(get(offered, f"function.{key}") for key in ("name", "description", "parameters")))
    return {**function_tool(get(offered, f"{kind}.name"), get(offered, f"{kind}.description"), None), "type": kind}


def _tool_call(call: Any) -> Part:
    name = get(call, "function.name") or get(call, "custom.name")
    return tool_call(get(call, "id"), name, get(call, "function.arguments") or get(call, "custom.input"))


def _choice(whole: dict[str, Any], choice: Any) -> dict[str, Any]:
    """The choice of `whole` that this chunk's choice continues."""
    choices = whole.setdefault("choices", [])
    return place(choices, member(choice, "index"), lambda: {"finish_reason": None, "message": {}})


def _add_delta(said: dict[str, Any], delta: Any) -> None:
    for key in ("content", "refusal", "reasoning_content", "reasoning"):
        if value := member(delta, key):
            said[key] = said.get(key, "") + value
    for call in member(delta, "tool_calls") or ():
        calls = said.setdefault("tool_calls", [])
        known = place(calls, member(call, "index"), lambda: {"id": None, "function": {"name": "", "arguments": ""}})
        known["id"] = member(call, "id") or known["id"]
        known["function"]["name"] += get(call, "function.name") or get(call, "custom.name", "")
        known["function"]["arguments"] += get(call, "function.arguments") or get(call, "custom.input", "")
    if spoken := get(delta, "audio.transcript"):
        audio = said.setdefault("audio", {"transcript": ""})
        audio["transcript"] += spoken


class Embeddings(Reader):
    """`/embeddings`."""

    operation = "embeddings"
    params = {"model": "model", "dimension_count": "dimensions"}
    results = {"response_model": "model", "input_tokens": "usage.prompt_tokens"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if encoding := get(body, "encoding_format"):
            op.encoding_formats = [encoding]

    def request_content(self, op: Operation, body: Any) -> None:
        given = get(body, "input")
        texts = [given] if isinstance(given, str) else [t for t in items(body, "input") if isinstance(t, str)]
        op.input = [message("user", [text(t) for t in texts])] if texts else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        vector = get(body, "data.0.embedding")
        if isinstance(vector, list):
            op.dimension_count = len(vector)


def output_type(response_format: str | None) -> str | None:
    """The conventions' word for what the request asks to get."""
    return "json" if response_format in ("json_object", "json_schema") else response_format


class OpenAI(StainlessAdapter):
    """The `openai` package, 1.40 and later."""

    base = "openai._base_client"
    endpoints = {"/chat/completions": Chat(), "/embeddings": Embeddings(), "/responses": Responses()}

    hosts: Mapping[str, str] = {
        "aiplatform.googleapis.com": "gcp.vertex_ai",
        "api.anthropic.com": "anthropic",
        "api.cohere.ai": "cohere",
        "api.cohere.com": "cohere",
        "cognitiveservices.azure.com": "azure.ai.openai",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "openai.azure.com": "azure.ai.openai",
        "openai.azure.us": "azure.ai.openai",
        "services.ai.azure.com": "azure.ai.openai",
        "api.deepseek.com": "deepseek",
        "api.groq.com": "groq",
        "api.mistral.ai": "mistral_ai",
        "api.moonshot.ai": "moonshot_ai",
        "api.moonshot.cn": "moonshot_ai",
        "api.perplexity.ai": "perplexity",
        "api.x.ai": "x_ai",
    }

    def provider(self, client: Any, host: str) -> str:
        if "Azure" in type(client).__name__:
            return "azure.ai.openai"
        if host.startswith("bedrock") and host.endswith(".amazonaws.com"):
            return "aws.bedrock"
        return next((name for suffix, name in self.hosts.items() if host.endswith(suffix)), "openai")
