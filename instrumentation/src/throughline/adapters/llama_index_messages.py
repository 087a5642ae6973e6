"""LlamaIndex's messages, tools and answers as the conventions' ones. Not about calls."""

from __future__ import annotations

from typing import Any

from throughline.operation import Message, Part, fitting
from throughline.parts import function_tool, get, items, media, member, message, parsed, reasoning, text, tool_call

_FINISH = {"end_turn": "stop", "tool_calls": "tool_call", "tool_use": "tool_call", "max_tokens": "length"}


def read_message(said: Any) -> Message:
    """A `ChatMessage`, a query, or a plain text."""
    if isinstance(said, str):
        return message("user", [text(said)])
    if isinstance(query := member(said, "query_str"), str):
        return message("user", [text(query)])
    role = getattr(member(said, "role"), "value", None) or "user"
    parts = [_part(block) for block in items(said, "blocks")]
    if role == "tool":
        return message("tool", [{"type": "tool_call_response", "response": _joined(parts), **_answers(said)}])
    calls = items(said, "additional_kwargs.tool_calls")
    return message(role, [*parts, *map(_call, calls)])


def _answers(said: Any) -> Part:
    found = get(said, "additional_kwargs.tool_call_id")
    return {"id": found} if isinstance(found, str) else {}


def _joined(parts: list[Part]) -> str:
    return "".join(str(part.get("content", "")) for part in parts)


def _call(asked: Any) -> Part:
    """OpenAI's shape, or LlamaIndex's own."""
    function = member(asked, "function") or asked
    arguments = member(function, "arguments") or member(function, "tool_kwargs")
    call_id = member(asked, "id") or member(asked, "tool_id")
    name = member(function, "name") or member(function, "tool_name")
    return tool_call(fitting(call_id, str), fitting(name, str), arguments)


def _part(block: Any) -> Part:
    match kind := member(block, "block_type"):
        case "text":
            return text(str(get(block, "text", "")))
        case "thinking":
            return reasoning(str(get(block, "content") or ""))
        case "tool_call":
            return tool_call(
                fitting(get(block, "tool_call_id"), str), str(get(block, "tool_name")), get(block, "tool_kwargs")
            )
        case "image" | "audio" | "video" | "document":
            data, url = member(block, kind) or member(block, "data"), member(block, "url")
            mime_type = fitting(member(block, f"{kind}_mimetype"), str)
            inline = data.decode("ascii", "replace") if isinstance(data, bytes) else ""
            return media(kind, str(url) if url else f"data:{mime_type or ''};base64,{inline}", mime_type)
    return {"type": kind if isinstance(kind, str) and kind else "unknown"}


def plain(value: Any) -> Any:
    """Arguments and results, as JSON knows them."""
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return parsed(value)


def definition(tool: Any) -> Part:
    if callable(tool) and not hasattr(tool, "metadata"):
        return function_tool(getattr(tool, "__name__", None), getattr(tool, "__doc__", None), None)
    known = tool.metadata
    return function_tool(known.name, known.description, known.get_parameters_dict())


def said(body: Any) -> Message | None:
    """What came of it, where it is something said."""
    found = body.result if type(body).__name__ == "StopEvent" else body
    response = found if isinstance(found, str) else member(found, "response")
    if isinstance(response, str):
        return message("assistant", [text(response)])
    return None if response is None else read_message(response)


def finish_reason(response: Any) -> str | None:
    """Why the model stopped, where its provider's own reply, kept as it came, says so."""
    choices = items(response, "raw.choices")
    told = get(choices[0], "finish_reason") if choices else get(response, "raw.stop_reason")
    return _FINISH.get(told, told) if isinstance(told, str) else None
