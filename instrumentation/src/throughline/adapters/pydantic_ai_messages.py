"""Pydantic AI's messages as the conventions' ones, and what a response says of itself. Not about calls."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from throughline.operation import Message, Operation, Part, fitting
from throughline.parts import (
    file,
    function_tool,
    get,
    items,
    media,
    member,
    message,
    parsed,
    reasoning,
    text,
    tool_call,
    tool_result,
)

_ROLES = {"system-prompt": "system", "tool-return": "tool", "retry-prompt": "tool", "builtin-tool-return": "tool"}
_MODALITIES = {"image-url": "image", "audio-url": "audio", "video-url": "video", "document-url": "document"}
_NOT_SAID = ("instruction-digest", "tool-availability-delta", "capability-load-delta", "model-settings-delta")
_USAGE = {"input_tokens": "input_tokens", "output_tokens": "output_tokens", "cache_read_tokens": "cache_read_tokens",
          "cache_write_tokens": "cache_creation_tokens", "output_reasoning_tokens": "reasoning_tokens"}  # fmt: skip


def read_messages(said: Any) -> list[Message]:
    """A history: each request is as many messages as it has roles one after the other, each response is one."""
    return [one for turn in said or () for one in _turn(turn)] if isinstance(said, (list, tuple)) else []


def read_prompt(prompt: Any) -> list[Message]:
    """What the application asks: a text, or several pieces of content."""
    parts = _content(prompt)
    return [message("user", parts)] if parts else []


def _turn(turn: Any) -> list[Message]:
    said = [part for part in items(turn, "parts") if member(part, "part_kind") not in _NOT_SAID]
    if member(turn, "kind") == "response":
        return [message("assistant", [part for one in said for part in _parts(one)])]
    found: list[Message] = []
    for part in said:
        role = _role(part)
        if not found or found[-1]["role"] != role:
            found.append(message(role, []))
        found[-1]["parts"].extend(_parts(part))
    return found


def _role(part: Any) -> str:
    kind = member(part, "part_kind")
    unasked = kind == "retry-prompt" and not member(part, "tool_name")  # told the model, not a tool's answer
    return "user" if unasked else _ROLES.get(kind, "user")


def instructions(said: Any) -> list[Part] | None:
    """What the application told the model beside its messages, in the last request of a history."""
    requests = [turn for turn in said if member(turn, "kind") == "request"]
    told = getattr(requests[-1], "instructions", None) if requests else None
    return [text(told)] if isinstance(told, str) and told else None


def answer(response: Any, finish_reason: str) -> list[Message]:
    """A response as the output message."""
    said = [part for one in items(response, "parts") for part in _parts(one)]
    return [message("assistant", said, finish_reason=finish_reason)] if said else []


def _parts(part: Any) -> list[Part]:
    call_id = fitting(member(part, "tool_call_id"), str)
    match member(part, "part_kind"):
        case "user-prompt" | "text" | "system-prompt" | "instruction":
            return _content(member(part, "content"))
        case "thinking":
            return [reasoning(str(member(part, "content") or ""))]
        case "tool-call" | "builtin-tool-call":
            return [tool_call(call_id, fitting(member(part, "tool_name"), str), member(part, "args"))]
        case "tool-return" | "builtin-tool-return":
            return [tool_result(call_id, plain(member(part, "content")))]
        case "retry-prompt":
            said = plain(member(part, "content"))
            return [tool_result(call_id, said)] if member(part, "tool_name") else _content(said)
        case "file":
            return _content([member(part, "content")])
        case kind:
            return [{"type": kind if isinstance(kind, str) and kind else "unknown"}]


def _content(said: Any) -> list[Part]:
    if isinstance(said, str):
        return [text(said)] if said else []
    return [_piece(one) for one in said] if isinstance(said, (list, tuple)) else []


def _piece(piece: Any) -> Part:
    if isinstance(piece, str):
        return text(piece)
    kind, mime_type = member(piece, "kind"), fitting(getattr(piece, "media_type", None), str)
    if kind in ("text-content", "text"):
        return text(str(get(piece, "content", "")))
    if kind in _MODALITIES:
        return media(_MODALITIES[kind], fitting(member(piece, "url"), str), mime_type)
    if kind == "binary" and isinstance(data := member(piece, "data"), bytes):
        modality = str(mime_type).partition("/")[0]
        known = modality if modality in ("image", "audio", "video") else "document"
        return media(known, f"data:{mime_type or ''};base64,{base64.b64encode(data).decode()}")
    if isinstance(file_id := member(piece, "file_id"), str):
        return file("document", file_id)
    return {"type": kind if isinstance(kind, str) and kind else "unknown"}


def plain(value: Any) -> Any:
    """What a tool gave or got, as JSON knows it."""
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return parsed(value)


def definitions(offered: Sequence[Any]) -> list[Part]:
    """The tools that a model is offered."""
    return [
        function_tool(
            member(one, "name"), fitting(member(one, "description"), str), member(one, "parameters_json_schema")
        )
        for one in offered
    ]


def read_usage(op: Operation, usage: Any) -> None:
    """Token counts; Pydantic AI says 0 where the provider said nothing."""
    for theirs, field in _USAGE.items():
        count = fitting(getattr(usage, theirs, None), int)
        if count:
            setattr(op, field, count)


def read_response(op: Operation, response: Any) -> None:
    """What a whole response says of itself."""
    read_usage(op, member(response, "usage"))
    op.response_id = fitting(getattr(response, "provider_response_id", None), str)
    op.response_model = fitting(member(response, "model_name"), str)
    reason = finish_reason(response)
    op.finish_reasons = [reason] if reason else None


def finish_reason(response: Any) -> str | None:
    """Why the model stopped, where its provider says so; Pydantic AI has the conventions' own words for it."""
    reason: str | None = fitting(getattr(response, "finish_reason", None), str)
    return reason
