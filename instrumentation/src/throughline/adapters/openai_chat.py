"""Chat completions, of OpenAI and of every server that speaks as it does. What differs between servers is data."""

from __future__ import annotations

from typing import Any

from throughline import names
from throughline.adapter import Reader
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
    texts_in,
    tool_call,
    tool_result,
)

_FINISH_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}  # the others are the conventions' words


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
        "cache_read_tokens": "usage.cached_tokens | usage.prompt_cache_hit_tokens"  # Moonshot's word, DeepSeek's
        " | usage.prompt_tokens_details.cached_tokens",
        "cache_creation_tokens": "usage.prompt_tokens_details.cache_write_tokens",
        "reasoning_tokens": "usage.reasoning_tokens | usage.completion_tokens_details.reasoning_tokens",  # Perplexity's
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
        op.input = [
            message(get(m, "role"), self._parts(m), **({"name": name} if (name := get(m, "name")) else {}))
            for m in items(body, "messages")
        ]
        op.tools = [_tool(t) for t in items(body, "tools")]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        choices = member(body, "choices")
        if isinstance(choices, list):
            op.finish_reasons = [r for c in choices if (r := finish_reason(c))] or None
        if op.reasoning_tokens and op.input_tokens is not None and op.output_tokens is not None:
            all_three = op.input_tokens + op.output_tokens + op.reasoning_tokens
            if get(body, "usage.total_tokens") == all_three:  # xAI counts reasoning beside the answer, not in it
                op.output_tokens += op.reasoning_tokens

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message("assistant", self._parts(get(c, "message")), finish_reason=finish_reason(c) or op.end_reason)
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
            *([text(content)] if isinstance(content, str) else map(content_part, items(m, "content"))),
            text(refusal) if refusal else None,
            text(spoken) if spoken else None,
            *map(_tool_call, items(m, "tool_calls")),
        ]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if "model" in whole and _is_only_text(chunk):
            return
        for key in ("id", "model", "usage", "service_tier", "system_fingerprint"):
            if (value := member(chunk, key)) not in (None, ""):  # Azure's first one, of the filter, has no id and model
                whole[key] = value
        if "usage" not in whole and (usage := get(chunk, "x_groq.usage")) is not None:  # Groq's, in the last chunk
            whole["usage"] = usage
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


def content_part(p: Any) -> Part | None:
    """A part of what a user says, as most endpoints take it."""
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


def finish_reason(choice: Any) -> str | None:
    """Why this choice ended, in the conventions' word."""
    reason = fitting(member(choice, "finish_reason"), str)
    return _FINISH_REASONS.get(reason, reason) if reason else None


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


class Compatible(Chat):
    """The same of another provider, which has none of what OpenAI alone says."""

    params = {key: path for key, path in Chat.params.items() if not key.startswith("openai.")}
    constants = {}
    results = {key: path for key, path in Chat.results.items() if not key.startswith("openai.")}


class Completions(Chat):
    """`/completions`, which continues a text."""

    operation = "text_completion"
    constants = {}

    def request_content(self, op: Operation, body: Any) -> None:
        if texts := [text(given) for given in texts_in(body, "prompt")]:
            op.input = [message("user", texts)]

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message("assistant", [text(get(c, "text", ""))], finish_reason=finish_reason(c) or op.end_reason)
            for c in items(body, "choices")
        ]

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        for choice in member(chunk, "choices") or ():
            known = _choice(whole, choice)
            known["text"] = known.get("text", "") + (member(choice, "text") or "")


def output_type(response_format: str | None) -> str | None:
    """The conventions' word for what the request asks to get."""
    return "json" if response_format in ("json_object", "json_schema") else response_format
