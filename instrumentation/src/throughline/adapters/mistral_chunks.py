"""Mistral's content chunks and tool calls as parts of messages. Not about calls: those are `mistral.py`'s."""

from __future__ import annotations

from typing import Any

from throughline.operation import Part, fitting
from throughline.parts import file, function_tool, get, items, media, parsed, place, reasoning, text
from throughline.parts import tool_call as _call

_NO_ID = "null"  # what the client says where the provider gave a tool call no id


def parts(content: Any) -> list[Part]:
    """A message's content: a text or a list of chunks. An iterator is left to the client."""
    if isinstance(content, str):
        return [text(content)] if content else []
    return [_part(chunk) for chunk in content] if isinstance(content, (list, tuple)) else []


def _part(chunk: Any) -> Part:
    """One content chunk; a kind that the conventions do not know keeps its own type."""
    kind = fitting(get(chunk, "type"), str) or "unknown"
    match kind:
        case "text":
            return text(fitting(get(chunk, "text"), str) or "")
        case "thinking":
            return reasoning("".join(fitting(get(t, "text"), str) or "" for t in items(chunk, "thinking")))
        case "image_url" | "document_url":
            return media(kind.removesuffix("_url"), _address(get(chunk, kind)))
        case "input_audio":
            return media("audio", _address(get(chunk, kind)))
        case "file":
            return file("document", str(get(chunk, "file_id", "")))
        case "reference":
            return {"type": kind, "reference_ids": [str(found) for found in items(chunk, "reference_ids")]}
    return {"type": kind}


def _address(given: Any) -> str | None:
    address: str | None = fitting(given if isinstance(given, str) else get(given, "url"), str)
    return address


def tool(offered: Any) -> Part:
    """A tool offered to the model: the application's own, or one of the provider's."""
    kind = fitting(get(offered, "type"), str) or "function"
    if kind == "function":
        name, described, wanted = (get(offered, f"function.{key}") for key in ("name", "description", "parameters"))
        return function_tool(name, described, parsed(wanted))
    return {"type": kind, "name": kind}


def tool_call(call: Any) -> Part:
    """The model asks for a tool."""
    call_id = get(call, "id")
    return _call(None if call_id == _NO_ID else call_id, get(call, "function.name"), get(call, "function.arguments"))


def add_content(known: list[dict[str, Any]], content: Any) -> None:
    """Add a delta's content to the chunks so far; text continues text, and thoughts continue thoughts."""
    new = [{"type": "text", "text": content}] if isinstance(content, str) and content else content
    for chunk in new if isinstance(new, (list, tuple)) else ():
        kind = get(chunk, "type")
        if kind not in ("text", "thinking"):
            known.append(chunk)
            continue
        if not known or get(known[-1], "type") != kind:
            known.append({"type": kind, "text": "", "thinking": []})
        if kind == "text":
            known[-1]["text"] += get(chunk, "text", "")
        else:
            known[-1]["thinking"] += items(chunk, "thinking")


def add_tool_call(known: list[dict[str, Any]], call: Any) -> None:
    """Add a delta's tool call: a new one, or more of the arguments of the one at its index."""
    call_id, given = get(call, "id"), get(call, "function.arguments")
    at = get(call, "index") or 0
    if at < len(known) and call_id not in (None, _NO_ID, known[at]["id"]):
        at = len(known)  # the provider does not count them: another id is another call
    begun = place(known, at, lambda: {"id": None, "function": {"name": "", "arguments": ""}})
    begun["id"] = begun["id"] or (None if call_id == _NO_ID else call_id)
    begun["function"]["name"] = begun["function"]["name"] or get(call, "function.name", "")
    if isinstance(given, str):
        begun["function"]["arguments"] += given
    elif given:
        begun["function"]["arguments"] = given
