"""LangChain's messages as the conventions' ones, and what a model's answer says of itself. Not about calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

_ROLES = {"human": "user", "ai": "assistant", "function": "tool"}
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "safety": "content_filter",
    "refusal": "content_filter",
}
_REASON_KEYS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_MEDIA = ("image", "audio", "video", "file", "image_url", "input_audio", "text-plain")
_SAID_ELSEWHERE = ("tool_use", "tool_call", "tool_call_chunk", "input_json_delta", "function_call", "invalid_tool_call")


def kind_of(said: Any) -> str:
    """The type of a message, a stream's chunk named as what it is a chunk of."""
    return str(member(said, "type") or "").removesuffix("MessageChunk").lower()


def read_message(said: Any) -> Message:
    """A message, or whatever LangChain makes one of: a text, a pair of role and text, a dict with the two."""
    if isinstance(said, str):
        return message("user", [text(said)])
    if isinstance(said, (list, tuple)):
        return message(_role(str(said[0])), _parts(said[1])) if len(said) == 2 else message("", [])
    kind = str(member(said, "role") or kind_of(said))
    name = fitting(member(said, "name"), str)
    whose = {"name": name} if name else {}  # of several agents, the one that said it
    if kind == "tool":
        return message("tool", [_result_part(said)], **whose)
    return message(_role(kind), [*_parts(member(said, "content")), *map(_call, items(said, "tool_calls"))], **whose)


def _call(call: Any) -> Part:
    return tool_call(fitting(member(call, "id"), str), fitting(member(call, "name"), str), member(call, "args"))


def _role(kind: str) -> str:
    return _ROLES.get(kind, kind)


def answer(said: Any, finish_reason: str) -> Message:
    """What a model said, as an output message."""
    return {**read_message(said), "role": "assistant", "finish_reason": finish_reason}


def _result_part(said: Any) -> Part:
    content = member(said, "content")
    part = tool_result(get(said, "tool_call_id"), content if isinstance(content, str) else _parts(content))
    return {**part, "is_error": True} if get(said, "status") == "error" else part


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [text(content)] if content else []
    blocks = content if isinstance(content, (list, tuple)) else ()
    return [_part(block) for block in blocks if block and member(block, "type") not in _SAID_ELSEWHERE]


def _part(block: Any) -> Part:
    """One content block, of LangChain's standard or of a provider whose own ones it passes on."""
    if isinstance(block, str):
        return text(block)
    kind = member(block, "type")
    match kind:
        case "text" | "output_text" | "input_text":
            return text(str(get(block, "text", "")))
        case "reasoning" | "thinking":
            return reasoning(get(block, "reasoning") or get(block, "thinking") or "")
        case str() if kind in _MEDIA:
            return _medium(kind, block)
    return {"type": kind if isinstance(kind, str) and kind else "unknown"}


def _medium(kind: str, block: Any) -> Part:
    modality = {"file": "document", "text-plain": "document", "image_url": "image", "input_audio": "audio"}.get(
        kind, kind
    )
    mime_type = get(block, "mime_type") or get(block, "source.media_type")
    nested = member(block, "image_url")
    url = get(block, "url") or (nested if isinstance(nested, str) else get(nested, "url")) or get(block, "source.url")
    inline = get(block, "base64") or get(block, "data") or get(block, "source.data") or get(block, "input_audio.data")
    file_id = get(block, "file_id") or get(block, "id") or get(block, "file.file_id")
    if url or inline:
        return media(modality, url or f"data:{mime_type or ''};base64,{inline}", mime_type)
    return file(modality, file_id) if file_id else {"type": modality, "source": "unread"}


def tool_definition(offered: Any) -> Part:
    """A tool as it was bound to a model, in OpenAI's shape or in Anthropic's; or a tool of LangChain's itself."""
    function = get(offered, "function") or offered
    name = get(function, "name") or get(offered, "type")
    schema = get(function, "parameters") or get(function, "input_schema") or get(function, "args")
    return function_tool(str(name), get(function, "description"), parsed(schema))


def finish_reason(said: Any) -> str | None:
    """Why the model stopped, in the conventions' word, where its provider says so."""
    meta = member(said, "response_metadata")
    told = next((found for key in _REASON_KEYS if isinstance(found := get(meta, key), str)), None)
    return None if told is None else _FINISH_REASONS.get(told.lower(), told.lower())


def read_finish(op: Operation, said: Sequence[Any]) -> None:
    """The finish reasons of these answers, as far as they have one."""
    op.finish_reasons = [reason for one in said if (reason := finish_reason(one))] or None


def add_usage(known: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add a chunk's token counts to those of the ones before: each says what it adds."""
    for key, value in more.items():
        if isinstance(value, Mapping):
            add_usage(known.setdefault(key, {}), value)
        elif isinstance(value, int):
            known[key] = (known.get(key) or 0) + value
