"""Parts of messages as the conventions shape them, and reading a value out of a client's object or a dict alike."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from throughline.operation import Message, Part

_LONGEST_SCHEME = 32
_LONGEST_SPACE = 64  # before a JSON object, of which some servers send a little
_MOST_ITEMS = 1_024  # a reply's choices, blocks or tool calls; a stream that names a higher one is broken
_NOT_A_MODEL: dict[str, Any] = {}
_steps = cache(str.split)


def get(source: Any, path: str, default: Any = None) -> Any:
    """`get(reply, "usage.input_tokens")`, on dicts, models and lists; a missing step gives `default`."""
    for step in _steps(path, "."):
        source = source[int(step)] if isinstance(source, list) else member(source, step)
        if source is None:
            return default
    return source


def member(source: Any, name: str) -> Any:
    """One value of a dict or a model, or None. A model is asked where it keeps its fields: a missing one is costly."""
    if isinstance(source, dict):
        return source.get(name)
    try:
        own = source.__dict__
    except AttributeError:
        return getattr(source, name, None)
    if name in own:
        return own[name]
    extra = getattr(source, "__pydantic_extra__", _NOT_A_MODEL)
    if extra is _NOT_A_MODEL:
        return getattr(source, name, None)
    return extra.get(name) if extra else None


def members(source: Any) -> Mapping[str, Any]:
    """All values of a dict or a model by name, at once; nothing of anything else."""
    if isinstance(source, dict):
        return source
    own: dict[str, Any] | None = getattr(source, "__dict__", None)
    if own is None:
        return {name: getattr(source, name, None) for name in getattr(source, "__slots__", ())}
    extra = getattr(source, "__pydantic_extra__", None)
    return {**own, **extra} if extra else own


def items(source: Any, path: str) -> Sequence[Any]:
    """A list inside `source`, or nothing. An iterator is left alone: reading it would take it from the caller."""
    found = get(source, path)
    return found if isinstance(found, (list, tuple)) else ()


def texts_in(source: Any, path: str) -> list[str]:
    """One text or several; what else may stand there, such as tokens that the application made itself, is none."""
    given = get(source, path)
    return [given] if isinstance(given, str) else [each for each in items(source, path) if isinstance(each, str)]


def place(known: list[dict[str, Any]], index: int | None, new: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Item `index` of `known`, which grows up to it. Raises IndexError for one that no reply has."""
    at = index or 0
    if not 0 <= at < _MOST_ITEMS:
        raise IndexError(at)
    while len(known) <= at:
        known.append(new())
    return known[at]


def text(content: str) -> Part:
    """Text sent to or by the model."""
    return {"type": "text", "content": content}


def reasoning(content: str) -> Part:
    """What the model says of its reasoning."""
    return {"type": "reasoning", "content": content}


def tool_call(call_id: str | None, name: str | None, arguments: Any) -> Part:
    """The model asks for a tool; arguments are parsed where they are JSON."""
    part = {"type": "tool_call", "name": name or "", "arguments": parsed(arguments)}
    return {**part, "id": call_id} if call_id else part


def tool_result(call_id: str | None, response: Any) -> Part:
    """What a tool answered."""
    part = {"type": "tool_call_response", "response": parsed(response)}
    return {**part, "id": call_id} if call_id else part


def media(modality: str, url: str | None, mime_type: str | None = None) -> Part:
    """A picture, sound or document by its address; data sent inline is replaced by its hash, type and size in bytes."""
    url = url or ""
    if "://" in url[:_LONGEST_SCHEME]:
        return {"type": "uri", "modality": modality, "uri": url, **({"mime_type": mime_type} if mime_type else {})}
    head, _, payload = url[5:].partition(",") if url.startswith("data:") else (";base64", "", url)
    data = _decoded(payload) if head.endswith("base64") else payload.encode()
    return inline(modality, hashlib.sha256(data).hexdigest(), len(data), head.split(";")[0] or mime_type)


def inline(modality: str, digest: str, size: int, mime_type: str | None = None) -> Part:
    """Data sent inline, by its SHA-256 in hexadecimal, its size in bytes and its type."""
    part = {"type": "uri", "modality": modality, "uri": f"sha256:{digest}", "size": size}
    return {**part, "mime_type": mime_type} if mime_type else part


def _decoded(payload: str) -> bytes:
    """The bytes sent inline, or what was sent instead: it is the provider who judges that."""
    try:
        return base64.b64decode(payload)
    except ValueError:
        return payload.encode()


def file(modality: str, file_id: str) -> Part:
    """Something uploaded to the provider beforehand."""
    return {"type": "file", "modality": modality, "file_id": file_id}


def message(role: str | None, parts: Sequence[Part | None], **extra: Any) -> Message:
    """One turn; parts that could not be read (None) are left out."""
    return {"role": role or "", "parts": [part for part in parts if part], **extra}


def function_tool(name: str | None, description: str | None, parameters: Any) -> Part:
    """A tool offered to the model."""
    optional = {"description": description, "parameters": parameters}
    return {"type": "function", "name": name or "", **{key: value for key, value in optional.items() if value}}


def parsed(value: Any) -> Any:
    """The text of a JSON object or array as its value, any other text as it is; a model as a dict."""
    if isinstance(value, str):
        if not value.startswith(("{", "[")):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, (Mapping, list, int, float, bool)) or value is None:
        return value
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def decoded(body: bytes | bytearray) -> Any:
    """What an HTTP body holds: the value of a JSON object, or the bytes themselves, which are text, sound or a picture.

    Raises ValueError for what only begins as an object."""
    return json.loads(body) if body[:_LONGEST_SPACE].lstrip()[:1] == b"{" else bytes(body)
