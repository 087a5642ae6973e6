"""Where the trace goes: into threads, to one's own proxy, beside other tracers; never to a provider."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
import throughline
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_reply,
    client,
    json_response,
)
from instrumentation.telemetry import Telemetry
from opentelemetry import context, propagate, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY
from opentelemetry.sdk.trace import TracerProvider
from throughline import names

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


def test_no_trace_header_reaches_a_provider_even_beside_an_http_instrumentation(telemetry: Telemetry) -> None:
    """The handler does what an HTTP instrumentation does: inject, unless suppressed."""
    headers: dict[str, str] = {}

    def handler(request: Any) -> Any:
        headers.update(request.headers)
        if not context.get_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY):
            propagate.inject(headers)
        return json_response(chat_reply())

    telemetry.instrument()
    with throughline.identify(user_id="ada"):
        client(handler).chat.completions.create(**ARGUMENTS)
    assert not {"traceparent", "tracestate", "baggage"} & set(headers)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_ones_own_proxy_gets_the_trace_but_no_baggage(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument(trace_hosts=frozenset({"proxy.internal"}))
    seen = []

    def handler(request: Any) -> Any:
        seen.append(dict(request.headers))
        return json_response(chat_reply())

    with throughline.identify(user_id="ada"):
        options = {"base_url": "https://proxy.internal/v1"}
        if kind == "sync":
            client(handler, **options).chat.completions.create(**ARGUMENTS, extra_headers={"x-mine": "1"})
        else:
            await client(handler, openai.AsyncOpenAI, **options).chat.completions.create(
                **ARGUMENTS, extra_headers={"x-mine": "1"}
            )
    span = telemetry.span().context
    assert seen[0]["traceparent"] == f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    assert seen[0]["x-mine"] == "1"
    assert "baggage" not in seen[0]


@pytest.mark.parametrize("how", ["thread", "executor", "loop's executor", "to_thread"])
async def test_threads_and_executors_keep_the_trace(telemetry: Telemetry, how: str) -> None:
    telemetry.instrument()
    api = client(answering(lambda: json_response(chat_reply())))

    def ask() -> None:
        api.chat.completions.create(**ARGUMENTS)

    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request") as parent:
        match how:
            case "thread":
                thread = threading.Thread(target=ask)
                thread.start()
                thread.join()
            case "executor":
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(ask).result()
            case "loop's executor":
                await asyncio.get_running_loop().run_in_executor(None, ask)
            case "to_thread":
                await asyncio.to_thread(ask)
    (call,) = [span for span in telemetry.spans() if span.name == "chat gpt-4o"]
    assert call.parent is not None
    assert call.parent.span_id == parent.get_span_context().span_id


@pytest.mark.complains
def test_a_foreign_tracers_span_is_not_doubled(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    from throughline import foreign

    foreign._warn.cache_clear()
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.openai.v1")
    api = client(answering(lambda: json_response(chat_reply())))
    for _ in range(2):
        with tracer.start_as_current_span("openai.chat", attributes={"gen_ai.request.model": "gpt-4o"}):
            api.chat.completions.create(**ARGUMENTS)
    assert [span.name for span in telemetry.spans()] == ["openai.chat", "openai.chat"]
    records = telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)
    assert [record.span_id for record in records] == [span.context.span_id for span in telemetry.spans()]
    assert "gen_ai.client.token.usage" not in telemetry.points()
    assert len([line for line in caplog.messages if "records model calls as well" in line]) == 1


def test_an_agents_span_of_another_tracer_is_a_parent_like_any(telemetry: Telemetry) -> None:
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.openai_agents")
    with tracer.start_as_current_span("invoke_agent"):
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert [span.name for span in telemetry.spans()] == ["chat gpt-4o", "invoke_agent"]


def test_a_provider_that_the_application_set_is_used(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider()
    provider.add_span_processor(telemetry.tracer_provider._active_span_processor)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    throughline.instrument(settings=throughline.Settings())
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert trace.get_tracer_provider() is provider
    assert telemetry.span().name == "chat gpt-4o"
