"""Puts the identity on every span of the SDK, whoever makes it. Imported only where the SDK is."""

from __future__ import annotations

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from throughline.identity import SCOPE, stamps


class IdentityStamper(SpanProcessor):
    """Puts the identity on every span at its start, whoever made the span."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        scope = span.instrumentation_scope
        if scope is not None and scope.name == SCOPE:
            return  # a span of ours has it already, given at its creation so that samplers see it
        found = stamps(context.get_current() if parent_context is None else parent_context)
        if found:
            span.set_attributes(found)

    def on_end(self, span: ReadableSpan) -> None:
        """Nothing: the identity is on the span since its start."""
