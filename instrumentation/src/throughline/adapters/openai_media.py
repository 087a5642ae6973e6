"""OpenAI's pictures and sound, by reference and never by their bytes, and its moderation of texts and pictures.

The conventions have no operation for any of these, and want one of their own names: `generate_content` is the only one
that is neither a conversation nor the continuation of a text, and its output type says what is made: image, speech,
text of speech, or, of moderation, whose model answers with a verdict of categories and scores, JSON.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import PurePath
from typing import Any, ClassVar

from throughline.adapter import Reader
from throughline.adapters.openai_chat import content_part
from throughline.adapters.stainless import FILES
from throughline.operation import Operation, Part
from throughline.parts import get, inline, items, media, member, members, message, text, texts_in

_TOKENS = {"input_tokens": "usage.input_tokens", "output_tokens": "usage.output_tokens"}


class _Generated(Reader):
    """What these endpoints have in common."""

    operation = "generate_content"
    makes: ClassVar[str]
    takes: ClassVar[str] = ""
    """The modality of what is uploaded."""

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.output_type = self.makes

    def request_content(self, op: Operation, body: Any) -> None:
        prompt = get(body, "prompt")
        given = [text(prompt)] if isinstance(prompt, str) else []
        given += [_upload(self.takes, file) for _, file in items(body, FILES)]
        op.input = [message("user", given)] if given else None

    def _say(self, op: Operation, parts: list[Part]) -> None:
        if parts:  # these endpoints give no reason why they finish
            reason = "stop" if op.end_reason == "completed" else op.end_reason or "error"
            op.output = [message("assistant", parts, finish_reason=reason)]


class Images(_Generated):
    """`/images/generations`, `/images/edits` and `/images/variations`."""

    makes = takes = "image"
    params = {"model": "model", "stream": "stream", "choice_count": "n"}
    results = _TOKENS

    def response_content(self, op: Operation, body: Any) -> None:
        form = get(body, "output_format")
        shown = [_picture(picture, form) for picture in items(body, "data")] or [*items(body, "shown")]
        if not shown and (sketch := get(body, "sketch")):
            shown = [sketch]
        self._say(op, shown)

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if (usage := member(chunk, "usage")) is not None:
            whole["usage"] = usage

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        picture = _picture(chunk, member(chunk, "output_format"))
        if str(member(chunk, "type")).endswith(".partial_image"):
            whole["sketch"] = picture
        else:
            whole.setdefault("shown", []).append(picture)


class Transcriptions(_Generated):
    """`/audio/transcriptions` and `/audio/translations`."""

    makes, takes = "text", "audio"
    params = {"model": "model", "stream": "stream", "temperature": "temperature"}
    results = _TOKENS

    def response_content(self, op: Operation, body: Any) -> None:
        if isinstance(body, bytes):  # subtitles or plain text, which the caller reads as they came
            body = body.decode(errors="replace")
        said = body if isinstance(body, str) else get(body, "text")
        self._say(op, [text(said)] if said else [])

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if member(chunk, "type") == "transcript.text.done":
            whole["usage"] = member(chunk, "usage")

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        match member(chunk, "type"):
            case "transcript.text.delta":
                whole["text"] = whole.get("text", "") + member(chunk, "delta")
            case "transcript.text.done":
                whole["text"] = member(chunk, "text")


class Speech(_Generated):
    """`/audio/speech`: sound, as bytes or, where it is asked for, as events that hold it."""

    makes = "speech"
    binary = True
    params = {"model": "model"}
    results = _TOKENS

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        op.stream = get(body, "stream_format") == "sse"

    def request_content(self, op: Operation, body: Any) -> None:
        instructions, given = get(body, "instructions"), get(body, "input")
        op.system = [text(instructions)] if isinstance(instructions, str) else None
        op.input = [message("user", [text(given)])] if isinstance(given, str) else None

    def response_content(self, op: Operation, body: Any) -> None:
        sound, digest = body if isinstance(body, bytes) else get(body, "response.content"), get(body, "digest")
        kind = (get(body, "response.headers") or {}).get("content-type")
        if sound:
            self._say(op, [inline("audio", hashlib.sha256(sound).hexdigest(), len(sound), kind)])
        elif digest:
            self._say(op, [inline("audio", digest.hexdigest(), get(body, "size", 0))])

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if not isinstance(chunk, bytes) and (usage := member(chunk, "usage")) is not None:
            whole["usage"] = usage

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        sound = chunk if isinstance(chunk, bytes) else base64.b64decode(member(chunk, "audio") or "")
        if sound:
            whole.setdefault("digest", hashlib.sha256()).update(sound)
            whole["size"] = whole.get("size", 0) + len(sound)


class Moderations(_Generated):
    """`/moderations`."""

    makes = "json"
    params = {"model": "model"}
    results = {"response_id": "id", "response_model": "model"}

    def request_content(self, op: Operation, body: Any) -> None:
        texts = [text(given) for given in texts_in(body, "input")]
        op.input = [message("user", texts or [content_part(part) for part in items(body, "input")])]

    def response_content(self, op: Operation, body: Any) -> None:
        self._say(op, [_verdict(result) for result in items(body, "results")])


def _picture(shown: Any, form: Any) -> Part:
    return media("image", member(shown, "b64_json") or member(shown, "url"), f"image/{form}" if form else None)


def _verdict(result: Any) -> Part:
    """Whether something was flagged, and for what, by the names that the client's objects have beside the wire's."""
    categories = members(member(result, "categories")).items()
    named = sorted({name.replace("/", "_").replace("-", "_") for name, applies in categories if applies is True})
    return {"type": "moderation", "flagged": member(result, "flagged"), "categories": named}


def _upload(modality: str, given: Any) -> Part:
    """A file as a client takes it: its bytes, something to read, which is left alone, or a tuple of name and either."""
    name, content, kind = (*given, None, None)[:3] if isinstance(given, tuple) else (None, given, None)
    if isinstance(content, bytes):
        return inline(modality, hashlib.sha256(content).hexdigest(), len(content), kind)
    name = name or getattr(content, "name", None)
    named = {"name": PurePath(name).name} if isinstance(name, str) else {}
    return {"type": "upload", "modality": modality, **named, **({"mime_type": kind} if kind else {})}
