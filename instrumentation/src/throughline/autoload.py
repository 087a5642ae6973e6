"""What `opentelemetry-instrument` loads. Does nothing that `instrumentor.py` does not do."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from throughline import instrumentor
from throughline.settings import Settings

_log = logging.getLogger(__name__)


class ThroughlineInstrumentor(BaseInstrumentor):  # type: ignore[misc] # its module carries no types
    """What `opentelemetry-instrument` finds under the entry point `throughline`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: a client that is not installed is simply never imported."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        providers = (kwargs.get(name) for name in ("tracer_provider", "meter_provider", "logger_provider"))
        try:
            instrumentor.start(Settings.from_environment(automatic=True), *providers)
        except ValueError as error:  # raised, it would keep the instrumentors after this one from being loaded
            _log.error("Throughline stays off: %s", error)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - the base class passes what it likes
        instrumentor.uninstrument()
