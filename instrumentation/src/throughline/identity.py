"""Who asks, and which prompt: set once at the edge, carried as W3C baggage, stamped on every span. No operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any
from weakref import WeakSet

from opentelemetry import baggage, context, trace
from opentelemetry.context import Context

from throughline import names

SCOPE = "throughline"
"""Instrumentation scope of everything that Throughline emits."""

KEYS: dict[str, str] = {
    "user_id": names.USER_ID,
    "session_id": names.SESSION_ID,
    "conversation_id": names.CONVERSATION_ID,
    "prompt_name": names.PROMPT_NAME,
    "prompt_version": names.PROMPT_VERSION,
    "prompt_variant": names.PROMPT_VARIANT,
    "keep": names.KEEP,
}
"""Field of Identity → attribute name, which is the baggage key as well. No other baggage is read."""

_FIELDS = {key: name for name, key in KEYS.items()}
_MAXIMUM_LENGTH = 256  # baggage comes from outside; a longer value is cut, so that no caller can bloat every span


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf a request runs, and with which prompt. What is unknown is None."""

    user_id: str | None = None
    session_id: str | None = None
    conversation_id: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    prompt_variant: str | None = None
    keep: bool | None = None
    """The wish that this trace be kept, whatever the sampler would decide."""


def identity() -> Identity:
    """The identity of the request that runs here."""
    return Identity(**carried(context.get_current()))


def carried(current: Context) -> dict[str, Any]:
    """Field → value of the identity that `current` carries in its baggage; empty for most calls, so this is quick."""
    entries = baggage.get_all(current)
    if not entries:
        return {}
    return {_FIELDS[key]: _value(key, str(entry)) for key, entry in entries.items() if key in _FIELDS and entry}


def _value(key: str, entry: str) -> str | bool:
    return entry.lower() in ("true", "1") if key == names.KEEP else entry[:_MAXIMUM_LENGTH]


@contextmanager
def identify(
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    conversation_id: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    prompt_variant: str | None = None,
    keep: bool | None = None,
) -> Iterator[Identity]:
    """Everything that runs inside, in this process and in the services it calls, belongs to this user and prompt.

    What is left out keeps the value that it had. The span that is current at entry is stamped too.
    """
    given = Identity(user_id, session_id, conversation_id, prompt_name, prompt_version, prompt_variant, keep)
    entries = {KEYS[f.name]: value for f in fields(given) if (value := getattr(given, f.name)) is not None}
    current = context.get_current()
    for key, value in entries.items():
        current = baggage.set_baggage(key, str(value).lower() if isinstance(value, bool) else str(value), current)
    stamp_all_spans()
    trace.get_current_span(current).set_attributes(stamps(current))
    token = context.attach(current)
    try:
        yield identity()
    finally:
        context.detach(token)


def stamps(current: Context) -> Mapping[str, str | bool]:
    return {KEYS[name]: value for name, value in carried(current).items()}


_stamped: WeakSet[Any] = WeakSet()
_seen: list[trace.TracerProvider | None] = [None]  # the last one looked at: for every call but the first, the same


def stamp_all_spans(provider: trace.TracerProvider | None = None) -> None:
    """Add the stamper to `provider`, by default the global one, unless it has it already. Never replaces a provider."""
    target = provider or trace.get_tracer_provider()
    if target is _seen[0]:
        return
    _seen[0] = target
    if hasattr(target, "add_span_processor") and target not in _stamped:  # the SDK's; the API's own makes no spans
        from throughline.stamping import IdentityStamper

        _stamped.add(target)
        target.add_span_processor(IdentityStamper())
