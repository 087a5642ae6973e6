"""OpenAI's Responses API: what it shares with chat is the client, not the shapes."""

from __future__ import annotations

from typing import Any

from throughline import names
from throughline.adapter import Reader
from throughline.adapters.openai_chat import output_type
from throughline.operation import Operation, Part, fitting
from throughline.parts import (
    file,
    function_tool,
    get,
    items,
    media,
    member,
    message,
    reasoning,
    text,
    tool_call,
    tool_result,
)

_KEPT = ("id", "model", "status", "usage", "output", "error", "incomplete_details", "service_tier", "instructions",
         "tools")  # fmt: skip


class Responses(Reader):
    """`/responses`."""

    params = {
        "model": "model",
        "stream": "stream",
        "temperature": "temperature",
        "top_p": "top_p",
        "max_tokens": "max_output_tokens",
        "reasoning_level": "reasoning.effort",
        "previous_response_id": "previous_response_id",
        names.OPENAI_REQUEST_SERVICE_TIER: "service_tier",
    }
    constants = {names.OPENAI_API_TYPE: "responses"}
    results = {
        "response_id": "id",
        "response_model": "model",
        "input_tokens": "usage.input_tokens",
        "output_tokens": "usage.output_tokens",
        "cache_read_tokens": "usage.input_tokens_details.cached_tokens",
        "cache_creation_tokens": "usage.input_tokens_details.cache_write_tokens",
        "reasoning_tokens": "usage.output_tokens_details.reasoning_tokens",
        names.OPENAI_RESPONSE_SERVICE_TIER: "service_tier",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.output_type = output_type(get(body, "text.format.type"))
        conversation = get(body, "conversation")
        op.conversation_id = op.conversation_id or (
            conversation if isinstance(conversation, str) else get(conversation, "id")
        )

    def request_content(self, op: Operation, body: Any) -> None:
        instructions, given = get(body, "instructions"), get(body, "input")
        op.system = [text(instructions)] if isinstance(instructions, str) else None
        op.input = [message("user", [text(given)])] if isinstance(given, str) else _messages(items(body, "input"))
        op.tools = [_tool(t) for t in items(body, "tools")]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        op.finish_reasons = _finish_reasons(body)
        if get(body, "status") == "failed":
            op.error_type = fitting(get(body, "error.code"), str) or "failed"

    def response_content(self, op: Operation, body: Any) -> None:
        output = items(body, "output")
        parts = [part for item in output or items(body, "items") for part in _output_parts(item)]
        if not output and (said := get(body, "said")):
            parts.append(text(said))
        if parts:
            reason = (_finish_reasons(body) or [op.end_reason or "error"])[0]
            op.output = [message("assistant", parts, finish_reason=reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        """The last event holds the whole response; the first one what is known if that never comes."""
        if (response := member(chunk, "response")) is not None:
            whole |= {key: value for key in _KEPT if (value := get(response, key)) is not None}
        elif member(chunk, "type") == "error":
            whole |= {"status": "failed", "error": {"code": member(chunk, "code") or "error"}}

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        """What is said before the last event comes, or never: whole items, then the text of the one begun."""
        match member(chunk, "type"):
            case "response.output_text.delta":
                whole["said"] = whole.get("said", "") + member(chunk, "delta")
            case "response.output_item.done":
                whole["said"] = ""
                whole.setdefault("items", []).append(member(chunk, "item"))


class Fetch(Responses):
    """`GET /responses/{id}`: a response that was made before. Its tokens were counted when it was made, or, if that was
    in the background, by nobody: the conventions give a fetch no usage, as each one would count them again."""

    operation = "fetch_response"
    params = {"stream": "stream", "response_id": "response_id"}
    results = {
        "response_id": "id",
        "response_model": "model",
        names.RESPONSE_STATUS: "status",
        names.OPENAI_RESPONSE_SERVICE_TIER: "service_tier",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if (cursor := get(body, "starting_after")) is not None:
            op.extra[names.REQUEST_STREAM_CURSOR] = str(cursor)

    def request_content(self, op: Operation, body: Any) -> None:
        """It asks nothing."""

    def response(self, op: Operation, body: Any) -> None:
        Reader.response(self, op, body)
        op.finish_reasons = _finish_reasons(body)  # a response that failed was fetched all the same

    def response_content(self, op: Operation, body: Any) -> None:
        super().response_content(op, body)
        instructions = get(body, "instructions")
        op.system = [text(instructions)] if isinstance(instructions, str) else None
        op.tools = [_tool(t) for t in items(body, "tools")]


def _tool(offered: Any) -> Part:
    kind = get(offered, "type", "")
    if kind == "function":
        return function_tool(*(get(offered, key) for key in ("name", "description", "parameters")))
    return {"type": kind, "name": get(offered, "name") or kind}


def _finish_reasons(body: Any) -> list[str] | None:
    """The API has none; what it says of the status and of tool calls gives the conventions' words."""
    match get(body, "status"):
        case "completed":
            called = any(get(item, "type") in ("function_call", "custom_tool_call") for item in items(body, "output"))
            return ["tool_call" if called else "stop"]
        case "incomplete":
            reason = get(body, "incomplete_details.reason")
            return [{"max_output_tokens": "length"}.get(reason, reason or "incomplete")]
        case "failed" | "cancelled":
            return ["error"]
    return None


def _messages(given: Any) -> list[dict[str, Any]]:
    return [message(_role(item), _input_parts(item)) for item in given]


def _role(item: Any) -> str:
    kind = get(item, "type", "")
    return get(item, "role") or ("tool" if kind.endswith("_output") else "assistant")


def _input_parts(item: Any) -> list[Part | None]:
    match get(item, "type"):
        case "function_call_output" | "custom_tool_call_output":
            return [tool_result(get(item, "call_id"), get(item, "output"))]
        case None | "message":
            content = get(item, "content")
            return [text(content)] if isinstance(content, str) else [_part(p) for p in items(item, "content")]
    return _output_parts(item)


def _output_parts(item: Any) -> list[Part | None]:
    match get(item, "type"):
        case "message":
            return [_part(p) for p in items(item, "content")]
        case "reasoning":
            return [reasoning(get(s, "text", "")) for s in items(item, "summary")]
        case "function_call":
            return [tool_call(get(item, "call_id"), get(item, "name"), get(item, "arguments"))]
        case "custom_tool_call":
            return [tool_call(get(item, "call_id"), get(item, "name"), get(item, "input"))]
        case "image_generation_call" if get(item, "result"):
            return [media("image", get(item, "result"))]
    return [{"type": get(item, "type", "unknown")}]


def _part(p: Any) -> Part | None:
    match get(p, "type"):
        case "input_text" | "output_text" | "text":
            return text(get(p, "text"))
        case "refusal":
            return text(get(p, "refusal"))
        case "input_image" if get(p, "image_url"):
            return media("image", get(p, "image_url"))
        case "input_image" | "input_file" if get(p, "file_id"):
            return file("image" if get(p, "type") == "input_image" else "document", get(p, "file_id"))
        case "input_file":
            return media("document", get(p, "file_data") or get(p, "file_url") or "")
    return None
