"""Cohere's first API: chat and generate, and what the second has in common with it. Not about calls."""

from __future__ import annotations

from typing import Any

from throughline.adapter import Reader
from throughline.operation import Message, Operation, Part, fitting
from throughline.parts import function_tool, get, items, member, message, parsed, place, text, tool_call, tool_result

TOKENS = "{0}.tokens.{1}_tokens | {0}.billed_units.{1}_tokens"
"""Where both APIs tell tokens: by the conventions, those that are billed win over those that were used."""

_FINISH_REASONS = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",
    "TOOL_CALL": "tool_call",
    "ERROR_TOXIC": "content_filter",
    "ERROR": "error",
    "TIMEOUT": "error",
}
_ROLES = {"CHATBOT": "assistant", "USER": "user", "SYSTEM": "system", "TOOL": "tool"}


def finish_reason(body: Any) -> str | None:
    """Why a reply ended, in the conventions' word."""
    reason: str | None = fitting(get(body, "finish_reason"), str)
    return _FINISH_REASONS.get(reason, reason) if reason else None


def note_failure(op: Operation, body: Any) -> None:
    """The provider failed amid an answer, which the client hands on as if it had not."""
    if finish_reason(body) == "error" or get(body, "error"):
        op.error_type = fitting(get(body, "finish_reason"), str) or "error"


def uncounted(op: Operation) -> None:
    """Forget counts that say that nobody counted, as the client's own do where another cloud told none."""
    if (op.input_tokens or 0) < 0:
        op.input_tokens = None
    if (op.output_tokens or 0) < 0:
        op.output_tokens = None


def documents(body: Any) -> list[Message]:
    """What the model is to answer from, beside the messages."""
    found: list[Part | None] = [{"type": "document", "document": parsed(each)} for each in items(body, "documents")]
    return [message("user", found)] if found else []


class Chat(Reader):
    """`/v1/chat`."""

    params = {
        "model": "model",
        "stream": "stream",
        "conversation_id": "conversation_id",
        "max_tokens": "max_tokens",
        "temperature": "temperature",
        "top_p": "p",
        "top_k": "k",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "stop_sequences": "stop_sequences",
    }
    results = {
        "response_id": "generation_id | response_id",
        "input_tokens": TOKENS.format("meta", "input"),
        "output_tokens": TOKENS.format("meta", "output"),
        "cache_read_tokens": "meta.cached_tokens",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if form := fitting(get(body, "response_format.type"), str):
            op.output_type = form.partition("_")[0]

    def request_content(self, op: Operation, body: Any) -> None:
        preamble, asked = fitting(get(body, "preamble"), str), fitting(get(body, "message"), str)
        op.system = [text(preamble)] if preamble else None
        op.input = [message(_ROLES.get(get(m, "role"), get(m, "role")), _said(m)) for m in items(body, "chat_history")]
        op.input += [message("user", [text(asked)])] if asked else []
        results: list[Part | None] = [tool_result(None, get(r, "outputs")) for r in items(body, "tool_results")]
        op.input += [message("tool", results)] if results else []
        op.input += documents(body)
        op.tools = [
            function_tool(get(t, "name"), get(t, "description"), _parameters(get(t, "parameter_definitions")))
            for t in items(body, "tools")
        ]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        uncounted(op)
        if reason := finish_reason(body):
            op.finish_reasons = ["tool_call" if reason == "stop" and items(body, "tool_calls") else reason]
        note_failure(op, body)

    def response_content(self, op: Operation, body: Any) -> None:
        said = [text(told) if (told := fitting(get(body, "text"), str)) else None, *_calls(body)]
        reason = next(iter(op.finish_reasons or ()), op.end_reason)
        op.output = [message("assistant", said, finish_reason=reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        match member(chunk, "event_type"):
            case "stream-start":
                whole["generation_id"] = member(chunk, "generation_id")
            case "tool-calls-generation":
                whole["tool_calls"] = member(chunk, "tool_calls")
            case "stream-end":
                final = member(chunk, "response")
                whole |= {"response_id": member(final, "response_id"), "meta": member(final, "meta")}
                whole["finish_reason"] = member(chunk, "finish_reason")

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if member(chunk, "event_type") == "text-generation":
            whole["text"] = whole.get("text", "") + (fitting(member(chunk, "text"), str) or "")


def _said(m: Any) -> list[Part | None]:
    told = fitting(get(m, "message"), str)
    results = [tool_result(None, get(r, "outputs")) for r in items(m, "tool_results")]
    return [text(told) if told else None, *_calls(m), *results]


def _calls(m: Any) -> list[Part]:
    return [tool_call(None, get(call, "name"), get(call, "parameters")) for call in items(m, "tool_calls")]


def _parameters(definitions: Any) -> Any:
    """What a tool takes, by name; the caller's own mapping or models as plain data."""
    return {key: parsed(each) for key, each in definitions.items()} if isinstance(definitions, dict) else None


class Generate(Reader):
    """`/v1/generate`, which the provider keeps for what was written long ago."""

    operation = "text_completion"
    params = {**Chat.params, "choice_count": "num_generations", "stop_sequences": "end_sequences | stop_sequences"}
    results = {**Chat.results, "response_id": "id"}

    def request_content(self, op: Operation, body: Any) -> None:
        asked = fitting(get(body, "prompt"), str)
        op.input = [message("user", [text(asked)])] if asked else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        uncounted(op)
        op.finish_reasons = [reason for each in items(body, "generations") if (reason := finish_reason(each))] or None
        note_failure(op, body)

    def response_content(self, op: Operation, body: Any) -> None:
        op.output = [
            message("assistant", [text(fitting(get(each, "text"), str) or "")],
                    finish_reason=finish_reason(each) or op.end_reason)
            for each in items(body, "generations")
        ]  # fmt: skip

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        match member(chunk, "event_type"):
            case "stream-error":
                whole["error"] = True
            case "stream-end":
                final = member(chunk, "response")
                whole |= {"id": member(final, "id"), "meta": member(final, "meta")}
                for at, each in enumerate(items(final, "generations")):
                    reason = member(each, "finish_reason") or member(chunk, "finish_reason")
                    _generation(whole, at)["finish_reason"] = reason

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        if member(chunk, "event_type") == "text-generation":
            known = _generation(whole, member(chunk, "index"))
            known["text"] = known.get("text", "") + (fitting(member(chunk, "text"), str) or "")


def _generation(whole: dict[str, Any], index: int | None) -> dict[str, Any]:
    return place(whole.setdefault("generations", []), index, dict)
