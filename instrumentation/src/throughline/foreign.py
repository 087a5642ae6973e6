"""Other tracers on the same client: seen, warned of once, and not doubled. Knows their marks, imports none of them."""

from __future__ import annotations

import logging
from functools import cache

from opentelemetry import trace
from opentelemetry.context import Context

_log = logging.getLogger(__name__)

_CONTEXT_KEYS = {"opentelemetry.genai.client.inference.context", "opentelemetry.genai.client.embedding.context"}
"""What opentelemetry-util-genai sets in the context around a call that it already records."""

_SCOPES = (
    "opentelemetry.instrumentation.anthropic",
    "opentelemetry.instrumentation.bedrock",
    "opentelemetry.instrumentation.botocore",
    "opentelemetry.instrumentation.cohere",
    "opentelemetry.instrumentation.langchain",
    "opentelemetry.instrumentation.openai",
    "opentelemetry.instrumentation.genai",
    "opentelemetry.instrumentation.google_genai",
    "opentelemetry.instrumentation.google_generativeai",
    "opentelemetry.instrumentation.mistralai",
    "opentelemetry.instrumentation.ollama",
    "opentelemetry.instrumentation.vertexai",
    "opentelemetry.util.genai",
    "openinference.instrumentation.anthropic",
    "openinference.instrumentation.bedrock",
    "openinference.instrumentation.google_genai",
    "openinference.instrumentation.litellm",
    "openinference.instrumentation.mistralai",
    "openinference.instrumentation.openai",
    "openlit",
    "pydantic-ai",
    "logfire.anthropic",
    "logfire.google_genai",
    "logfire.openai",
)
_MODEL_MARKS = ("gen_ai.request.model", "llm.model_name", "openinference.span.kind")  # names of others
_AROUND_CALLS = ("create_agent", "invoke_agent", "execute_tool", "invoke_workflow", "plan")
"""Operations inside which model calls are made; a span of one of these is none of a call's."""


def records_already(current: Context) -> bool:
    """Whether the span that is current was opened by another tracer for the very call that is about to be made."""
    if not current:
        return False
    if not _CONTEXT_KEYS.isdisjoint(current):
        _warn("opentelemetry-util-genai")
        return True
    span = trace.get_current_span(current)
    scope = getattr(getattr(span, "instrumentation_scope", None), "name", "")
    if not scope.startswith(_SCOPES):
        return False
    marks = getattr(span, "attributes", None) or {}
    if "agents" in scope or marks.get("gen_ai.operation.name") in _AROUND_CALLS:  # names of others
        return False
    if found := any(mark in marks for mark in _MODEL_MARKS):
        _warn(scope)
    return found


@cache
def _warn(tracer: str) -> None:
    _log.warning(
        "%s records model calls as well: its span is kept and Throughline adds only the record to it. "
        "Uninstrument one of the two to have one tracer's data.",
        tracer,
    )
