"""What all operations share, and whether a call is one that is recorded. What one of them is: `recording.py`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry import context, trace
from opentelemetry._logs import Logger
from opentelemetry.context import Context
from opentelemetry.trace import Tracer

from throughline import endings
from throughline.adapter import Adapter, Call, Route
from throughline.amending import amend
from throughline.contained import contained
from throughline.identity import RUNNING
from throughline.instruments import Instruments
from throughline.joined import Joined
from throughline.prices import Prices
from throughline.recording import Recording
from throughline.settings import SEAL_FOR_FILE, Settings

if TYPE_CHECKING:
    from throughline.fingerprints import Fingerprints
    from throughline.offload import Offload
    from throughline.privacy.masking import Masker
    from throughline.privacy.sealing import Seal
    from throughline.records.journal import Journal

_SUPPRESS = context._SUPPRESS_INSTRUMENTATION_KEY
_SUPPRESS_PLAIN = "suppress_instrumentation"  # as older instrumentations write it


def running(current: Context) -> Recording | None:
    """The operation that is being called in this context, for what a client does inside its call.

    What was started inside one may outlive it, and is not inside any more then.
    """
    found = current.get(RUNNING)
    return found if isinstance(found, Recording) and not found.done else None


def within(recording: Recording, current: Context) -> Context:
    """This context with the operation as the running one; what else its owner put into it stays."""
    return Context({**trace.set_span_in_context(recording.span, current), RUNNING: recording})


class Recorder:
    """Where telemetry goes and what the owner decided."""

    def __init__(
        self,
        tracer: Tracer,
        instruments: Instruments,
        logger: Logger,
        settings: Settings,
        journal: Journal | None = None,
    ) -> None:
        self.tracer, self.instruments, self.logger, self.settings = tracer, instruments, logger, settings
        self.journal = journal
        self.captures = settings.content_on_span or settings.content_on_event
        self.reads_content = self.captures or settings.estimate_usage
        self.reads_prompts = self.reads_content or bool(settings.fingerprint)
        self.amends = settings.stream_usage or bool(settings.trace_hosts)
        self.prices = Prices.load(settings.prices_file) if settings.cost else None
        self.on = True
        self.offload: Offload | None = None
        self.seal = _seal(settings.seal_for_file) if settings.seal_for_file else None
        if self.captures:
            _ = self.masker  # what is wrong in its rules is said at the start
            if settings.content_store:
                self.offload = _offload(settings.content_store, settings.content_store_from, self.seal)
        self.fingerprints = self._fingerprints()
        endings.install()

    def _fingerprints(self) -> Fingerprints | None:
        wanted = self.settings.fingerprint
        if wanted or (wanted is None and self.captures and self.seal is None):
            from throughline.fingerprints import Fingerprints

            return Fingerprints(self.masker)
        return None

    @cached_property
    def masker(self) -> Masker:
        """What every content passes; made where content is captured, as its tables cost 40 ms."""
        from throughline.privacy.masking import Masker

        return Masker.from_environment()

    def close(self) -> None:
        """Begin nothing more, write what is on its way to the store, and end the chain of records."""
        self.on = False
        if self.offload is not None:
            self.offload.close()
        if self.journal is not None:
            self.journal.close()

    def begin(self, adapter: Adapter, call: Call) -> Recording | None:
        """Start recording this call; None where it is no operation, is part of one, or is suppressed."""
        current = context.get_current()
        if not self.on or current.get(_SUPPRESS) or current.get(_SUPPRESS_PLAIN):
            return None
        outer = running(current)
        if outer is not None and outer.is_closed:
            return None
        route = adapter.route(call)
        if route is None or (outer is not None and outer.contains(route.reader)):
            return None
        if outer is None and isinstance(found := adapter.inside(call), Recording) and not found.done:
            outer, current = found, within(found, current)
        if isinstance(route.again, Recording) and not route.again.done:
            return route.again
        if outer is not None:
            outer.holds(route.reader)
        if outer is not None and contained(route.reader.joins, outer.op, route.body):
            recording: Recording = Joined(self, route, current, outer)
        else:
            recording = Recording(self, route, current, outer)
        recording.adapter = adapter
        contained(adapter.prepare, call, recording)
        if self.amends:
            contained(amend, recording, route.body, adapter, call, self.settings)
        return recording

    def start(self, route: Route) -> Recording:
        """Start recording an operation that the application does by itself, such as a retrieval."""
        current = context.get_current()
        outer = running(current)
        if outer is not None:
            outer.holds(route.reader)
        return Recording(self, route, current, outer)


def _offload(store: str, least: int, seal: Seal | None) -> Offload:
    from throughline.offload import Offload  # only where there is a store: it takes 10 ms

    return Offload(store, least, seal=seal.blob if seal else None)


def _seal(file: Path) -> Seal:
    from throughline.privacy.sealing import Seal  # only where it is asked for: it takes `cryptography`

    try:
        return Seal(file)
    except ValueError as error:
        raise ValueError(f"{SEAL_FOR_FILE}: {error}") from None
