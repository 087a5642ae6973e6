"""Who asks, and which prompt: set once at the edge, carried as W3C baggage, stamped on every span. No operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Protocol, cast
from weakref import WeakSet

from opentelemetry import baggage, context, trace
from opentelemetry.context import Context

from throughline import names

SCOPE = "throughline"
"""Instrumentation scope of everything that Throughline emits."""

RUNNING = context.create_key("throughline.running")
"""Key of the operation that is recorded here, in the context."""

KEYS: dict[str, str] = {
    "user_id": names.USER_ID,
    "session_id": names.SESSION_ID,
    "conversation_id": names.CONVERSATION_ID,
    "prompt_name": names.PROMPT_NAME,
    "prompt_version": names.PROMPT_VERSION,
    "prompt_variant": names.PROMPT_VARIANT,
    "prompt_template_hash": names.PROMPT_TEMPLATE_HASH,
    "prompt_variables": names.PROMPT_VARIABLES,
    "experiment": names.EXPERIMENT_NAME,
    "keep": names.KEEP,
    "judging": names.JUDGING,
}
"""Field of Identity → attribute name, which is the baggage key as well. No other baggage is read."""

_FIELDS = {key: name for name, key in KEYS.items()}
_OF_A_PROMPT = tuple(key for name, key in KEYS.items() if name.startswith("prompt_") or name == "experiment")
_BOOLEANS = frozenset({names.KEEP, names.JUDGING})
_BAGGAGE = next(iter(baggage.set_baggage("", "", Context())))  # the API copies all of it for each entry
_MAXIMUM_LENGTH = 256  # baggage comes from outside; a longer value is cut, so that no caller can bloat every span
# What goes out is cut as well: the propagator drops a longer entry, and a receiver a header with too many of them.


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf a request runs, and with which prompt. What is unknown is None."""

    user_id: str | None = None
    session_id: str | None = None
    conversation_id: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    prompt_variant: str | None = None
    prompt_template_hash: str | None = None
    prompt_variables: Sequence[str] | None = None
    """Names of what the template was filled with, never the values."""
    experiment: str | None = None
    """Which experiment chose the variant; None where none did, so that a comparison counts assigned traffic alone."""
    keep: bool | None = None
    """The wish that this trace be kept, whatever the sampler would decide."""
    judging: bool | None = None
    """What runs here judges another answer: none of the application's own traffic."""


class Named(Protocol):
    """A prompt that says what it is, such as `throughline.prompts.Prompt`."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Field of Identity → value, of the fields that tell of a prompt."""


def identity() -> Identity:
    """The identity of the request that runs here."""
    return Identity(**carried(context.get_current()))


def carried(current: Context) -> dict[str, Any]:
    """Field → value of the identity that `current` carries in its baggage; empty for most calls, so this is quick."""
    entries = baggage.get_all(current)
    if not entries:
        return {}
    return {_FIELDS[key]: _value(key, str(entry)) for key, entry in entries.items() if key in _FIELDS and entry}


def _value(key: str, entry: str) -> str | bool | tuple[str, ...]:
    if key in _BOOLEANS:
        return entry.lower() in ("true", "1")
    if key != names.PROMPT_VARIABLES:
        return entry[:_MAXIMUM_LENGTH]
    return tuple(name for name in _cut(key, entry).split(",") if name)


def _cut(key: str, entry: str) -> str:
    """No longer than it may be; of a list, whole names."""
    if len(entry) <= _MAXIMUM_LENGTH:
        return entry
    return entry[: _MAXIMUM_LENGTH + 1].rpartition(",")[0] if key == names.PROMPT_VARIABLES else entry[:_MAXIMUM_LENGTH]


@contextmanager
def identify(
    *,
    prompt: Named | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    conversation_id: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    prompt_variant: str | None = None,
    prompt_template_hash: str | None = None,
    prompt_variables: Sequence[str] | None = None,
    experiment: str | None = None,
    keep: bool | None = None,
    judging: bool | None = None,
) -> Iterator[Identity]:
    """Everything that runs inside, in this process and in the services it calls, belongs to this user and prompt.

    What is left out keeps the value that it had, but who names a prompt (`prompt_name`, or all of it at once by
    `prompt`) names it anew: nothing of another prompt or its experiment stays, with `prompt_name=""` nothing of any.
    `judging=False` takes it back. The span that is current at entry, and the record of what it is the span of, say so
    too, but for `judging`.
    """
    given = Identity(
        user_id, session_id, conversation_id, prompt_name, prompt_version, prompt_variant, prompt_template_hash,
        prompt_variables, experiment, keep, judging,
    )  # fmt: skip
    own = {f.name: value for f in fields(given) if (value := getattr(given, f.name)) is not None}
    current = _carrying(context.get_current(), {**(prompt.identity if prompt else {}), **own})
    stamp_all_spans()
    _tell(current)
    token = context.attach(current)
    try:
        yield identity()
    finally:
        context.detach(token)


def _tell(current: Context) -> None:
    """Stamp the span that is current, and the operation whose span it is; what is judged inside makes it no judge."""
    known = {name: value for name, value in carried(current).items() if name != "judging"}
    span, running = trace.get_current_span(current), cast("Any", current.get(RUNNING))
    if span.is_recording():
        span.set_attributes({KEYS[name]: value for name, value in known.items()})
    if getattr(running, "span", None) is span:
        running.learn(known)


def _carrying(current: Context, given: Mapping[str, Any]) -> Context:
    """This context with these fields in its baggage."""
    entries = dict(baggage.get_all(current))
    for key in _OF_A_PROMPT if "prompt_name" in given else ():
        entries.pop(key, None)
    entries.update(
        {KEYS[name]: _cut(KEYS[name], _written(value)) for name, value in given.items() if value is not None}
    )
    if given.get("judging") is False:
        del entries[names.JUDGING]
    return Context({**current, _BAGGAGE: entries})


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str) or not isinstance(value, Iterable) else ",".join(map(str, value))


def stamps(current: Context) -> Mapping[str, str | bool | tuple[str, ...]]:
    """What the identity of `current` puts on a span, by attribute name."""
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
