"""How each tracer is switched on, as its own documentation says, on OpenTelemetry's global providers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial


def _throughline(content: bool) -> None:
    import throughline

    mode = throughline.ContentMode.SPAN_ONLY if content else throughline.ContentMode.NO_CONTENT
    if content and (asked := os.environ.get("BENCHMARK_CONTENT_MODE")):
        mode = throughline.ContentMode[asked]
    throughline.instrument(settings=throughline.Settings(content=mode))


def _official(content: bool) -> None:
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY" if content else "NO_CONTENT"
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()


def _openllmetry(content: bool) -> None:
    os.environ["TRACELOOP_TRACE_CONTENT"] = str(content).lower()
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()


def _openinference(content: bool) -> None:
    os.environ["OPENINFERENCE_HIDE_INPUTS"] = os.environ["OPENINFERENCE_HIDE_OUTPUTS"] = str(not content).lower()
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()


def _openlit(content: bool) -> None:
    import openlit
    from openlit._instrumentors import MODULE_NAME_MAP

    with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:
        prices.write("{}")  # otherwise it downloads a price list
        prices.flush()
        others = [name for name in MODULE_NAME_MAP if name != "openai"]
        init = partial(openlit.init, disabled_instrumentors=others, disable_events=True)
        init(capture_message_content=content, pricing_json=prices.name)


TRACERS: dict[str, Callable[[bool], None]] = {
    "throughline": _throughline,
    "official": _official,
    "openllmetry": _openllmetry,
    "openinference": _openinference,
    "openlit": _openlit,
}
"""Tracer → what patches the client: with content on its spans (True) or without."""
