"""Gemini's contents as parts of messages, and a stream's chunks put together. Not about calls: `google_genai.py`'s."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from throughline.operation import Message, Part
from throughline.parts import (
    file,
    function_tool,
    items,
    media,
    member,
    message,
    parsed,
    place,
    reasoning,
    text,
    tool_call,
    tool_result,
)

_ROLES = {"model": "assistant", "function": "tool", None: "user"}
_BITS = ("stringValue", "numberValue", "boolValue")
_MODALITIES = ("image", "audio", "video")


@cache
def snake(name: str) -> str:
    """`mimeType` as `mime_type`."""
    return re.sub("([A-Z])", r"_\1", name).lower()


def field(source: Any, name: str) -> Any:
    """A value by its name on the wire; the client writes some of them as Python does, and the API takes both."""
    value = member(source, name)
    return member(source, snake(name)) if value is None else value


def spoken(content: Any, **extra: Any) -> Message:
    """One content: a role and its parts."""
    role = member(content, "role")
    return message(_ROLES.get(role, role), parts(content), **extra)


def parts(content: Any) -> list[Part | None]:
    """The parts of one content."""
    return [_part(part) for part in items(content, "parts")]


def _part(part: Any) -> Part | None:
    said = member(part, "text")
    if isinstance(said, str):
        thought = member(part, "thought") is True
        return (reasoning(said) if thought else text(said)) if said else None
    for name, read in _KINDS.items():
        if (value := field(part, name)) is not None:
            return read(value)
    kinds = [snake(name) for name in part if not name.startswith("thought")] if isinstance(part, Mapping) else []
    return {"type": kinds[0]} if kinds else None


def _modality(mime_type: Any) -> str:
    family = str(mime_type).partition("/")[0]
    return family if family in _MODALITIES else "document"


def _inline(blob: Any) -> Part:
    mime_type = field(blob, "mimeType")
    return media(_modality(mime_type), f"data:{mime_type or ''};base64,{member(blob, 'data') or ''}")


def _file(named: Any) -> Part:
    uri, mime_type = str(field(named, "fileUri") or ""), field(named, "mimeType")
    if "://" in uri:
        return media(_modality(mime_type), uri, mime_type)
    return {**file(_modality(mime_type), uri), **({"mime_type": mime_type} if isinstance(mime_type, str) else {})}


def _call(call: Any) -> Part | None:
    name = member(call, "name")
    return tool_call(member(call, "id"), name, member(call, "args")) if name else None


def _answer(answer: Any) -> Part:
    part = {**tool_result(member(answer, "id"), member(answer, "response")), "name": member(answer, "name")}
    shown = [found for found in parts(answer) if found]
    return {**part, "parts": shown} if shown else part


def _server_call(kind: str, call_id: Any, **asked: Any) -> Part:
    part = {"type": "server_tool_call", "name": kind, "server_tool_call": {"type": kind, **asked}}
    return {**part, "id": call_id} if call_id else part


def _server_answer(kind: str, call_id: Any, **answer: Any) -> Part:
    part = {"type": "server_tool_call_response", "server_tool_call_response": {"type": kind, **answer}}
    return {**part, "id": call_id} if call_id else part


def _code(code: Any) -> Part:
    written = {"language": member(code, "language"), "code": member(code, "code")}
    return _server_call("code_execution", member(code, "id"), **written)


def _output(result: Any) -> Part:
    came = {"outcome": member(result, "outcome"), "output": member(result, "output")}
    return _server_answer("code_execution", member(result, "id"), **came)


def _tool_kind(value: Any) -> str:
    return str(field(value, "toolType") or "tool").lower()


_KINDS: dict[str, Callable[[Any], Part | None]] = {
    "inlineData": _inline,
    "fileData": _file,
    "functionCall": _call,
    "functionResponse": _answer,
    "executableCode": _code,
    "codeExecutionResult": _output,
    "toolCall": lambda call: _server_call(_tool_kind(call), member(call, "id"), arguments=member(call, "args")),
    "toolResponse": lambda a: _server_answer(_tool_kind(a), member(a, "id"), response=member(a, "response")),
}


def searched(candidate: Any) -> Iterator[Part]:
    """What the model's own search asked and found: no part of its content, but what the answer rests on."""
    grounds = member(candidate, "groundingMetadata")
    queries = [query for query in items(grounds, "webSearchQueries") if isinstance(query, str)]
    if not queries:
        return
    found = [member(chunk, "web") or member(chunk, "retrievedContext") for chunk in items(grounds, "groundingChunks")]
    sources = [{"uri": member(source, "uri"), "title": member(source, "title")} for source in found if source]
    yield _server_call("google_search", None, queries=queries)
    yield _server_answer("google_search", None, sources=sources)


def tools(offered: Any) -> Iterator[Part]:
    """One entry of the tools offered: functions of the application, or one of the provider's own."""
    for name in members_of(offered):
        if snake(name) != "function_declarations":
            yield {"type": snake(name), "name": snake(name)}
            continue
        for function in items(offered, name):
            schema = member(function, "parameters") or field(function, "parametersJsonSchema")
            yield function_tool(member(function, "name"), member(function, "description"), parsed(schema))


def members_of(offered: Any) -> list[str]:
    """The names of what is set."""
    return [name for name, value in offered.items() if value is not None] if isinstance(offered, Mapping) else []


def add_content(whole: dict[str, Any], reply: Any) -> None:
    """Continue the candidates of `whole` with the contents of a chunk."""
    for candidate in items(reply, "candidates"):
        known = place(whole.setdefault("candidates", []), member(candidate, "index"), dict)
        said = known.setdefault("content", {"role": "model", "parts": []})["parts"]
        for part in items(candidate, "content.parts"):
            _append(said, part)
        if (grounds := member(candidate, "groundingMetadata")) is not None:
            known["groundingMetadata"] = grounds


def _append(said: list[Any], part: Any) -> None:
    piece, last = member(part, "text"), said[-1] if said else None
    call, open_call = member(part, "functionCall"), member(last, "functionCall")
    if isinstance(call, dict) and not member(call, "name"):
        if isinstance(open_call, dict):
            _continue(open_call, call)
    elif not isinstance(piece, str):
        said.append(part)
    elif isinstance(last, dict) and "text" in last and last["thought"] is (member(part, "thought") is True):
        last["text"] += piece
    else:
        said.append({"text": piece, "thought": member(part, "thought") is True})


def _continue(call: dict[str, Any], more: Any) -> None:
    """Vertex sends a call's arguments bit by bit, if asked to: each bit of a text continues what came of it."""
    known = call["args"] = {**(call.get("args") or {})}
    for bit in items(more, "partialArgs"):
        name = str(member(bit, "jsonPath")).removeprefix("$.")
        value = next((found for kind in _BITS if (found := member(bit, kind)) is not None), None)
        before = known.get(name)
        known[name] = before + value if isinstance(before, str) and isinstance(value, str) else value
