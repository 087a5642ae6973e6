"""What is changed of a request, only where the owner opted in: a stream's usage, the trace for one's own proxy."""

from __future__ import annotations

from typing import Any

from throughline.adapter import Adapter, Call
from throughline.recording import Recording
from throughline.settings import Settings


def amend(recording: Recording, body: Any, adapter: Adapter, call: Call, settings: Settings) -> None:
    """Let the adapter change the call whose request's body this is."""
    new, headers = None, {}
    if settings.stream_usage and recording.op.stream:
        new = recording.reader.ask_usage(body)
        recording.hides = recording.reader.only_usage if new is not None else None
    span = recording.span.get_span_context()
    local = "stdio" if recording.op.network_transport == "pipe" else None
    if (recording.op.server_address or local) in settings.trace_hosts and span.is_valid:
        headers = {"traceparent": f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"}
    if new is not None or headers:
        amended = adapter.amend(call, new, headers)
        recording.amended = amended if amended is None or call.instance is None else (call.instance, *amended)
