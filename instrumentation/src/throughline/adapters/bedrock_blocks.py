"""Content blocks of Bedrock's Converse, and of Nova's bodies, as parts of messages. Not about calls."""

from __future__ import annotations

import base64
from typing import Any

from throughline.adapters.anthropic_blocks import settled
from throughline.operation import Part
from throughline.parts import (
    function_tool,
    get,
    items,
    media,
    member,
    parsed,
    reasoning,
    text,
    tool_call,
    tool_result,
)

_MEDIA = ("image", "document", "video", "audio")
_MIME_TYPES = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "three_gp": "video/3gpp"}
_FAMILIES = {"image": "image", "video": "video", "audio": "audio"}


def parts(blocks: Any) -> list[Part | None]:
    """A message's content, or the system prompt. Anything but a list is left to the client."""
    return [block_part(block) for block in blocks] if isinstance(blocks, (list, tuple)) else []


def block_part(block: Any) -> Part | None:
    """One block, a union whose only key is its kind; None: it says nothing, as where to cache."""
    for kind, value in block.items() if isinstance(block, dict) else ():
        match kind:
            case "text":
                return text(value)
            case "toolUse":
                return tool_call(get(value, "toolUseId"), get(value, "name"), get(value, "input"))
            case "toolResult":
                return _tool_result(value)
            case "reasoningContent":
                thought = get(value, "reasoningText.text")
                return reasoning(thought) if thought else {"type": "redacted_thinking"}
            case "citationsContent":
                said = "".join(get(piece, "text", "") for piece in items(value, "content"))
                return {**text(said), "citations": _plain(get(value, "citations", []))}
            case "guardContent":
                words = get(value, "text.text")
                return text(words) if isinstance(words, str) else block_part(value)
            case "cachePoint":
                return None
            case _ if kind in _MEDIA:
                return _medium(kind, value)
        return {"type": kind, "content": _plain(value)}
    return None


def _tool_result(result: Any) -> Part:
    answers = [_answer(block) for block in items(result, "content")]
    part = tool_result(get(result, "toolUseId"), answers[0] if len(answers) == 1 else answers)
    return {**part, "is_error": True} if get(result, "status") == "error" else part


def _answer(block: Any) -> Any:
    """A tool's answer: its text or its object where it is one of these, else a part."""
    plain = member(block, "json") or member(block, "text")
    return block_part(block) if plain is None else parsed(plain)


def _medium(kind: str, value: Any) -> Part:
    """A picture, sound, film or document: sent along, kept in S3, or in parts of its own."""
    form, source = get(value, "format"), get(value, "source")
    content = member(source, "bytes")
    if isinstance(content, (bytes, bytearray)):
        content = base64.b64encode(content).decode()
    if isinstance(content, str):
        return media(kind, f"data:{_mime_type(kind, form)};base64,{content}")
    if address := get(source, "s3Location.uri"):
        return media(kind, address, _mime_type(kind, form))
    if isinstance(words := member(source, "text"), str):
        return text(words)
    if member(source, "content") is not None:
        return {"type": kind, "content": parts(member(source, "content"))}
    return {"type": kind, "source": "unread"}  # a file that only the client may read


def _mime_type(kind: str, form: Any) -> str:
    return _MIME_TYPES.get(str(form)) or f"{_FAMILIES.get(kind, 'application')}/{form}"


def tool(offered: Any) -> Part | None:
    """A tool offered to the model: the application's own, or one of the provider's; None: no tool."""
    if (own := member(offered, "toolSpec")) is not None:
        return function_tool(get(own, "name"), get(own, "description"), parsed(get(own, "inputSchema.json")))
    if (provided := member(offered, "systemTool")) is not None:
        return {"type": "system_tool", "name": get(provided, "name", "")}
    return None


def _plain(value: Any) -> Any:
    """Plain data of our own; bytes are what only the provider can read."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not isinstance(item, (bytes, bytearray))}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else settled(value)


def add_delta(block: dict[str, Any], delta: Any) -> None:
    """Add what a stream says of a block to what is known of it."""
    if (words := member(delta, "text")) is not None:
        block["text"] = block.get("text", "") + words
    elif (asked := get(delta, "toolUse.input")) is not None:
        call = block.setdefault("toolUse", {})
        call["input"] = (call.get("input") or "") + asked
    elif (thought := member(delta, "reasoningContent")) is not None:
        known = block.setdefault("reasoningContent", {})
        if (words := member(thought, "text")) is not None:
            said = known.setdefault("reasoningText", {})
            said["text"] = said.get("text", "") + words
    elif (citation := member(delta, "citation")) is not None:
        cited = block.setdefault("citationsContent", {"content": [{"text": block.pop("text", "")}], "citations": []})
        cited["citations"].append(citation)
