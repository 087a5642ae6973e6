"""Anthropic's client, also for Bedrock and Vertex: messages and beta messages, which share one wire format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from throughline.adapter import Patch, Reader
from throughline.adapters.anthropic_blocks import block_part, parts, settled, tool
from throughline.adapters.stainless import StainlessAdapter, points
from throughline.operation import Operation, fitting
from throughline.parts import get, items, member, message, place

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_call",
    "refusal": "content_filter",
}
_GROWING = {  # type of a delta → the field of its block that it continues
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}


class Messages(Reader):
    """`/v1/messages`."""

    params = {
        "model": "model",
        "stream": "stream",
        "max_tokens": "max_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "stop_sequences": "stop_sequences",
        "reasoning_level": "output_config.effort",
        "previous_response_id": "thread.previous_message_id",
    }
    results = {
        "response_id": "id",
        "response_model": "model",
        "output_tokens": "usage.output_tokens",
        "cache_read_tokens": "usage.cache_read_input_tokens",
        "cache_creation_tokens": "usage.cache_creation_input_tokens",
        "reasoning_tokens": "usage.output_tokens_details.thinking_tokens",
    }

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        form = get(body, "output_config.format.type") or get(body, "output_format.type")
        op.output_type = "json" if form == "json_schema" else None

    def request_content(self, op: Operation, body: Any) -> None:
        op.system = parts(get(body, "system"))
        op.input = [message(get(m, "role"), parts(get(m, "content"))) for m in items(body, "messages")]
        op.tools = [tool(t) for t in items(body, "tools")]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        fresh = fitting(get(body, "usage.input_tokens"), int)
        if fresh is not None:  # the provider counts what its cache held apart, the conventions do not
            op.input_tokens = fresh + (op.cache_read_tokens or 0) + (op.cache_creation_tokens or 0)
        op.off_list = _is_off_list(member(body, "usage"))
        if reason := fitting(get(body, "stop_reason"), str):
            op.finish_reasons = [_FINISH_REASONS.get(reason, reason)]
        if failure := get(body, "error"):  # in a stream that the application reads as bytes
            op.error_type = fitting(get(failure, "type"), str) or "error"

    def response_content(self, op: Operation, body: Any) -> None:
        if said := [block_part(block) for block in items(body, "content")]:
            reason = (op.finish_reasons or [op.end_reason or "error"])[0]
            op.output = [message("assistant", said, finish_reason=reason)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        """A message begins, its deltas tell how it ended; the usage of each event replaces what the last one said."""
        match member(chunk, "type"):
            case "message_start":
                begun = member(chunk, "message")
                whole |= {"id": member(begun, "id"), "model": member(begun, "model")}
                _add_usage(whole, member(begun, "usage"))
            case "message_delta":
                whole["stop_reason"] = get(chunk, "delta.stop_reason") or whole.get("stop_reason")
                _add_usage(whole, member(chunk, "usage"))
            case "error":
                whole["error"] = member(chunk, "error")

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        match member(chunk, "type"):
            case "content_block_start":
                _block(whole, chunk).update(settled(member(chunk, "content_block")))
            case "content_block_delta":
                _add_delta(_block(whole, chunk), member(chunk, "delta"))


def _is_off_list(usage: Any) -> bool | None:
    """A faster tier, or cache written for an hour, costs more than the list says; a batch less."""
    tiers = member(usage, "service_tier"), member(usage, "speed")
    return True if {*tiers} - {None, "standard"} or get(usage, "cache_creation.ephemeral_1h_input_tokens") else None


def _add_usage(whole: dict[str, Any], usage: Any) -> None:
    """Counts are totals so far; an event leaves out those that did not change."""
    known = whole.setdefault("usage", {})
    for key in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
                "output_tokens_details", "cache_creation", "service_tier", "speed"):  # fmt: skip
        if (value := member(usage, key)) is not None:
            known[key] = value


def _block(whole: dict[str, Any], chunk: Any) -> dict[str, Any]:
    """The content block of `whole` that this chunk begins or continues."""
    return place(whole.setdefault("content", []), member(chunk, "index"), dict)


def _add_delta(block: dict[str, Any], delta: Any) -> None:
    kind = member(delta, "type")
    if key := _GROWING.get(kind):
        block[key] = (block.get(key) or "") + (member(delta, key) or "")
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), settled(member(delta, "citation"))]


class Anthropic(StainlessAdapter):
    """The `anthropic` package; its clients for other clouds build other URLs, but later than where we look."""

    base = "anthropic._base_client"
    endpoints = {"/v1/messages": Messages()}

    clouds = {"Bedrock": "aws.bedrock", "Vertex": "gcp.vertex_ai", "Foundry": "azure.ai.inference"}

    @property
    def patches(self) -> Iterable[Patch]:  # type: ignore[override]
        return (*points(self.base), Patch(f"{self.base}:start_api_call_span", "native", optional=True))

    def provider(self, client: Any, host: str) -> str:  # noqa: ARG002 - one's own gateway may stand at any host
        kind = type(client).__mro__
        return next((name for mark, name in self.clouds.items() for c in kind if mark in c.__name__), "anthropic")
