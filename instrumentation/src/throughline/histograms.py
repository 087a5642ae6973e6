"""Histograms that take values without the API's ceremony. Beside the SDK, not instead of it: its aggregations count.

The API takes one value a call, and the SDK spends most of that call on finding the aggregation of the dimensions, as if
it had never seen them. Calls of one model have the same dimensions over and over, and a stream of 200 chunks is 199
values with the same ones, so a series looks its aggregations up once and adds to them.

What it needs of the SDK's inside is looked for, never assumed: where any of it is missing, every value takes the front
door. So does one value a second of every series, which keeps exemplars and changes of the set-up alive.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram

from throughline.operation import AttributeValue

_FRONT_DOOR_EVERY = 1.0  # seconds
_MOST = 1e300  # what is more, or negative, or no number, is for the front door to refuse


class Series:
    """The values of one histogram under one set of dimensions."""

    __slots__ = ("_adders", "_consumer", "_dimensions", "_histogram", "_storages", "_until")

    def __init__(self, histogram: Histogram, dimensions: Mapping[str, AttributeValue]) -> None:
        self._histogram, self._dimensions = histogram, dimensions
        self._adders: list[Callable[[Sequence[float]], None]] = []  # one for each reader and view; none: not to be had
        self._consumer: Any = None
        self._storages: Any = None  # replaced by the SDK when readers come or go
        self._until = 0.0

    def record(self, values: Sequence[float], context: Context, now: float) -> None:
        """Record each of `values`; `now` is a clock in seconds that never goes back."""
        if now >= self._until or self._consumer._reader_storages is not self._storages:
            self._histogram.record(values[0], self._dimensions, context)
            values = values[1:]
            self._look_up(now)
        if not values:
            return
        if self._adders and min(values) >= 0 and sum(values) < _MOST:  # the sum tells of one that is no number, too
            for add in self._adders:
                add(values)
        else:
            for value in values:
                self._histogram.record(value, self._dimensions, context)

    def _look_up(self, now: float) -> None:
        self._adders, self._until = [], now + _FRONT_DOOR_EVERY
        try:
            histogram: Any = getattr(self._histogram, "_real_instrument", None) or self._histogram  # behind a stand-in
            self._consumer = histogram._measurement_consumer
            self._storages = self._consumer._reader_storages
            self._adders = [
                _adder(_aggregation(match, self._dimensions))
                for storage in self._storages.values()
                for match in storage._get_or_init_view_instrument_match(histogram)
            ]
        except (AttributeError, LookupError):
            self._consumer = _NO_CONSUMER
            self._storages = _NO_CONSUMER._reader_storages


@dataclass(slots=True)
class _NoConsumer:
    """Stands where the SDK's measurement consumer was not found, until the next look."""

    _reader_storages: None = None


_NO_CONSUMER = _NoConsumer()


def _aggregation(match: Any, dimensions: Mapping[str, AttributeValue]) -> Any:
    """The aggregation that the value just recorded went to. Raises LookupError where there is none."""
    wanted = match._view._attribute_keys
    kept = {key: value for key, value in dimensions.items() if wanted is None or key in wanted}
    for aggregation in list(match._attributes_aggregation.values()):
        if aggregation._attributes == kept:
            return aggregation
    raise LookupError(match)


@dataclass(slots=True)
class _Value:
    """All that an aggregation reads of a measurement without an exemplar."""

    value: float


def _adder(aggregation: Any) -> Callable[[Sequence[float]], None]:
    explicit = type(aggregation).__name__ == "_ExplicitBucketHistogramAggregation"
    return partial(_add_to_buckets if explicit else _add_each, aggregation)


def _add_each(aggregation: Any, values: Sequence[float]) -> None:
    for value in values:
        aggregation.aggregate(_Value(value), False)


def _add_to_buckets(aggregation: Any, values: Sequence[float]) -> None:
    """What `aggregate` does for one value, under one lock for all."""
    bounds = aggregation._boundaries
    with aggregation._lock:
        if aggregation._value is None:
            aggregation._value = [0] * (len(bounds) + 1)
        buckets = aggregation._value
        for value in values:
            buckets[bisect_left(bounds, value)] += 1
        aggregation._sum += sum(values)
        if aggregation._record_min_max:
            aggregation._min = min(aggregation._min, *values)
            aggregation._max = max(aggregation._max, *values)
