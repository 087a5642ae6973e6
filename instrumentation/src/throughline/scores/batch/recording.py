"""Where a batch's evaluations go, and the records of what its judges ask: the spool of its own. It scores nothing."""

from __future__ import annotations

from dataclasses import replace

from elasticsearch import Elasticsearch
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource

from throughline import instrumentor, names
from throughline.evaluations import Evaluation, attributes_of
from throughline.identity import stamps
from throughline.scores.batch.delivery import SERVICE, Delivery
from throughline.scores.batch.scorers import Planned, context_of
from throughline.scores.batch.stored import Stored
from throughline.settings import Settings


class Recording:
    """Of one run, while which Throughline is on in this process. Raises what Delivery raises."""

    def __init__(self, settings: Settings, client: Elasticsearch) -> None:
        self._delivery = Delivery(settings, client)
        # A judge's calls are recorded; what this very process asks Elasticsearch is no retrieval of an application.
        own = replace(settings, disabled_clients=settings.disabled_clients | {"elasticsearch"})
        provider = LoggerProvider(Resource.create({names.SERVICE_NAME: SERVICE}), shutdown_on_exit=False)
        instrumentor.start(own, logger_provider=provider)
        active = instrumentor.recorder()
        assert active is not None
        self._active = active
        if active.journal is not None:
            self._delivery.also(active.journal)

    def begin(self, seconds: float) -> None:
        """Wait so long for what earlier runs left on the way. Raises UndeliveredError."""
        self._delivery.arrive(seconds)

    def keep(self, stored: Stored, plan: Planned, evaluation: Evaluation) -> None:
        """Record it, of that answer and on behalf of whom that was given. Raises UndeliveredError."""
        record_id = plan.record_id if evaluation.error_type is None else plan.failed_id
        attributes = attributes_of(self._active, evaluation, stamps(context_of(stored)), record_id)
        self._delivery.put(stored.environment, attributes, stored.trace_id, stored.span_id)

    def finish(self, seconds: float) -> None:
        """Wait so long until all of it can be found. Raises UndeliveredError."""
        self._delivery.finish(seconds)

    def close(self) -> None:
        """Whatever happened; what is not delivered stays on disk, for the next run."""
        self._delivery.close()
        instrumentor.uninstrument()
