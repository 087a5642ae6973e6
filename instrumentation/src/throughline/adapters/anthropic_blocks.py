"""Anthropic's content blocks as parts of messages. Not about calls: those are `anthropic.py`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from throughline.operation import Part
from throughline.parts import file, function_tool, get, media, member, parsed, reasoning, text, tool_call, tool_result

_PAYLOADS = ("data", "signature", "encrypted_content", "encrypted_index", "encrypted_stdout", "cache_control")
"""What a block carries for the provider alone. Media's `data` is replaced by a reference before it comes to this."""


def parts(content: Any) -> list[Part]:
    """A message's content, or the system prompt: a text or a list of blocks. An iterator is left to the client."""
    if isinstance(content, str):
        return [text(content)]
    return [block_part(block) for block in content] if isinstance(content, (list, tuple)) else []


def block_part(block: Any) -> Part:
    """One content block; a kind that the conventions do not know keeps its own type and fields."""
    kind = get(block, "type", "")
    match kind:
        case "text":
            cited = settled(get(block, "citations"))
            return {**text(get(block, "text", "")), **({"citations": cited} if cited else {})}
        case "thinking":
            return reasoning(get(block, "thinking", ""))
        case "tool_use":
            return tool_call(get(block, "id"), get(block, "name"), _arguments(block))
        case "tool_result":
            return _tool_result(block)
        case "image" | "document":
            return _medium(kind, get(block, "source"))
        case "container_upload":
            return file("document", get(block, "file_id", ""))
    if kind.endswith("_tool_use"):
        asked = {"type": get(block, "name", kind), "arguments": _arguments(block)}
        return {"type": "server_tool_call", **_named(block), "server_tool_call": asked}
    if kind.endswith("_tool_result"):
        answer = {"type": kind, "content": settled(get(block, "content"))}
        call_id = get(block, "tool_use_id")
        return {"type": "server_tool_call_response", "id": call_id, "server_tool_call_response": answer}
    return {**settled(block), "type": kind or "unknown"}


def _named(block: Any) -> Part:
    return {"id": get(block, "id"), "name": get(block, "name", "")}


def _arguments(block: Any) -> Any:
    """What the model wrote so far, in a stream; else the value that the client made of it."""
    return parsed(get(block, "partial_json") or get(block, "input"))


def _tool_result(block: Any) -> Part:
    content = get(block, "content")
    part = tool_result(get(block, "tool_use_id"), content if isinstance(content, str) else parts(content))
    return {**part, "is_error": True} if get(block, "is_error") is True else part


def _medium(modality: str, source: Any) -> Part:
    data, mime_type = get(source, "data"), get(source, "media_type")
    match get(source, "type"):
        case "base64" if isinstance(data, str):
            return media(modality, f"data:{mime_type};base64,{data}")
        case "url":
            return media(modality, get(source, "url", ""), mime_type)
        case "file":
            return file(modality, get(source, "file_id", ""))
        case "text" if isinstance(data, str):
            return text(data)
        case "content":
            return {"type": modality, "content": parts(get(source, "content"))}
    return {"type": modality, "source": "unread"}  # a file that only the client may read


def tool(offered: Any) -> Part:
    """A tool offered to the model: the application's own, or one of the provider's."""
    kind = get(offered, "type")
    if kind in (None, "custom"):
        return function_tool(get(offered, "name"), get(offered, "description"), parsed(get(offered, "input_schema")))
    return {"type": kind, "name": get(offered, "name") or get(offered, "mcp_server_name") or kind}


def settled(value: Any) -> Any:
    """A block as plain data of our own, its media as references and without what only the provider can read."""
    value = parsed(value) if hasattr(value, "model_dump") else value
    if isinstance(value, Mapping):
        if isinstance(member(value, "source"), Mapping) and get(value, "type") in ("image", "document"):
            return _medium(value["type"], value["source"])
        return {key: settled(item) for key, item in value.items() if key not in _PAYLOADS and item is not None}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [settled(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(type(value).__name__)
