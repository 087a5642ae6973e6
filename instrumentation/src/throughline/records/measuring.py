"""The metrics of a spool, asked for when metrics are exported: what waits in it, how long, and what was lost."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from throughline import names

if TYPE_CHECKING:
    from throughline.records.journal import Fate, Journal


_measured: Final[weakref.WeakValueDictionary[str, Journal]] = weakref.WeakValueDictionary()
"""The one journal that is measured: an SDK keeps the callbacks that an instrument's name had first."""


def measure(meter: Meter, journal: Journal) -> None:
    """Gauges and counters of this journal, as long as it is open. They cost a few reads in memory each time."""
    _measured["journal"] = journal

    def observed(read: Callable[[Fate], float]) -> list[Callable[[CallbackOptions], Iterable[Observation]]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            own = _measured.get("journal")
            fate = None if own is None else own.fate
            return () if fate is None else (Observation(read(fate)),)

        return [observe]

    meter.create_observable_gauge(
        names.SPOOL_SIZE, observed(lambda fate: fate.waiting.size), "By", "Bytes of records that wait in the spool."
    )
    meter.create_observable_gauge(
        names.SPOOL_RECORDS, observed(lambda fate: fate.waiting.records), "{record}", "Records that wait in the spool."
    )
    meter.create_observable_gauge(
        names.SPOOL_OLDEST_AGE, observed(lambda fate: fate.waiting.oldest), "s", "How long the oldest of them waits."
    )
    meter.create_observable_counter(
        names.SPOOL_DROPPED, observed(lambda fate: fate.dropped), "{record}", "Records that a full spool lost."
    )
    meter.create_observable_counter(
        names.SPOOL_REFUSED, observed(lambda fate: fate.refused), "{record}", "Records that the Collector did not take."
    )
