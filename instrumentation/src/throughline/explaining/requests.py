"""A request as its records tell of it: its steps, when they ran, whether it failed. Reads no store, judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from throughline import names
from throughline.store.traces import epoch
from throughline.totals import MODEL_CALLS

Document = Mapping[str, Any]
Attributes = Mapping[str, Any]

ENCLOSING: Final = frozenset({"invoke_agent", "invoke_workflow", "create_agent"})
"""Operations that consist of others, so that their time is not one step's."""
_NOBODY: Final[Attributes] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded operation; `begin` and `end` in seconds since the epoch."""

    kind: str
    record_id: str
    begin: float
    end: float
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin

    @property
    def error(self) -> str | None:
        """The type of the error that it ended with, or None."""
        told = self.attributes.get(names.ERROR_TYPE)
        return str(told) if told else None

    @property
    def calls_a_model(self) -> bool:
        """Whether it is a chat or the like, which has tokens."""
        return self.kind in MODEL_CALLS


@dataclass(frozen=True, slots=True)
class Failure:
    """What a request failed with, and in which kind of step."""

    step: str
    error: str


@dataclass(frozen=True, slots=True)
class Request:
    """The steps of one trace, or a single one of them, in the order in which they began."""

    trace_id: str
    steps: tuple[Step, ...]
    around: tuple[Step, ...] = ()
    """Agents and workflows that enclose the steps."""

    @property
    def begin(self) -> float:
        """Its first record's begin."""
        return min(step.begin for step in (*self.steps, *self.around))

    @property
    def end(self) -> float:
        """Its last record's end."""
        return max(step.end for step in (*self.steps, *self.around))

    @property
    def seconds(self) -> float:
        """From the begin of its first record to the end of its last."""
        return self.end - self.begin

    @property
    def failure(self) -> Failure | None:
        """The error of what ended last. One that was made good, as by another call, lets no request fail."""
        last = max(self.steps or self.around, key=lambda step: step.end)
        enclosing = (step for step in self.around if step.error)
        failed = last if last.error else next(enclosing, None)
        return Failure(failed.kind, str(failed.error)) if failed else None

    @property
    def anchor(self) -> Step:
        """The step by which peers are found: what failed, else the longest model call, else the longest of all."""
        if (failure := self.failure) and (failed := [step for step in self.steps if step.error == failure.error]):
            return failed[-1]
        calls = [step for step in self.steps if step.calls_a_model]
        return max(calls or self.steps or self.around, key=lambda step: step.seconds)

    def only(self, record_id: str) -> Request | None:
        """The same with this one operation alone, or None where it has none of this id."""
        found = [step for step in (*self.steps, *self.around) if step.record_id == record_id]
        return _request(self.trace_id, found) if found else None

    def told(self, name: str) -> Any:
        """An attribute that all steps share, such as the prompt's name: from the first that has it, or None."""
        found = (step.attributes.get(name) for step in (*self.steps, *self.around))
        return next((value for value in found if value not in (None, "")), None)


def number(value: Any) -> float | None:
    """A finite number, or None for anything else: records come from anywhere."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if isfinite(value) else None


def of_documents(documents: Iterable[Document]) -> list[Request]:
    """The requests that these records belong to, one a trace; what has no trace id belongs to none."""
    traces: dict[str, list[Step]] = {}
    for document in documents:
        step = _step(document)
        if step is not None and (trace_id := document.get("trace_id")):
            traces.setdefault(str(trace_id), []).append(step)
    return [_request(trace_id, steps) for trace_id, steps in traces.items()]


def _request(trace_id: str, steps: list[Step]) -> Request:
    steps.sort(key=lambda step: (step.begin, step.end))
    inside = tuple(step for step in steps if step.kind not in ENCLOSING)
    return Request(trace_id, inside, tuple(step for step in steps if step.kind in ENCLOSING))


def _step(document: Document) -> Step | None:
    """None where the record says neither when it was nor what."""
    attributes = document.get("attributes") or _NOBODY
    kind = attributes.get(names.OPERATION_NAME)
    seconds = max(0.0, number(attributes.get(names.DURATION)) or 0.0)
    end = _end(document, seconds)
    if not kind or end is None:
        return None
    resource = (document.get("resource") or _NOBODY).get("attributes") or _NOBODY
    identity = str(attributes.get(names.RECORD_ID) or document.get("_id") or "")
    return Step(str(kind), identity, end - seconds, end, attributes, resource)


def _end(document: Document, seconds: float) -> float | None:
    started = number((document.get("attributes") or _NOBODY).get(names.START_TIME_UNIX_NANO))
    if started:
        return started / 1e9 + seconds
    try:
        return epoch(str(document["@timestamp"]))
    except (KeyError, ValueError):
        return None
