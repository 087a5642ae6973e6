"""Histograms that take many values at once. Beside the SDK, not instead of it: its own aggregations hold the numbers.

The API takes one value a call, and the SDK spends most of that call on finding the aggregation of the dimensions. A
stream of 200 chunks is 199 values with the same dimensions, so this looks the aggregations up once and adds to them.
What it needs of the SDK's inside is looked for, never assumed: where any of it is missing, every value takes the front
door. So does one value a second of every series, which keeps exemplars and changes of the set-up alive.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram

from throughline.operation import AttributeValue

_FRONT_DOOR_EVERY = 1.0  # seconds
_MOST_SERIES = 2000  # looked up again past that; the dimensions are bounded, a mistake in them is not


@dataclass(slots=True)
class _Series:
    """The SDK's aggregations of one set of dimensions: one for each reader and view."""

    aggregations: list[Any]
    storages: Any  # replaced by the SDK when readers come or go
    until: float


class BulkHistogram:
    """An API histogram with a `record` for several values."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._series: dict[tuple[tuple[str, AttributeValue], ...], _Series] = {}

    def record(
        self, values: Sequence[float], dimensions: Mapping[str, AttributeValue], context: Context | None = None
    ) -> None:
        """Record each of `values`, none negative, under the same dimensions."""
        key = tuple(dimensions.items())
        series = self._series.get(key)
        now = monotonic()
        if series is None or now > series.until or not _unchanged(self._histogram, series):
            self._histogram.record(values[0], dimensions, context)
            values = values[1:]
            series = self._look_up(key, dimensions, now)
        if series is None:
            for value in values:
                self._histogram.record(value, dimensions, context)
        elif values:
            for aggregation in series.aggregations:
                _add(aggregation, values)

    def _look_up(self, key: Any, dimensions: Mapping[str, AttributeValue], now: float) -> _Series | None:
        if len(self._series) >= _MOST_SERIES:
            self._series.clear()
        try:
            storages = _real(self._histogram)._measurement_consumer._reader_storages
            aggregations = [
                _aggregation(match, dimensions)
                for storage in storages.values()
                for match in storage._get_or_init_view_instrument_match(_real(self._histogram))
            ]
        except (AttributeError, LookupError):
            self._series.pop(key, None)
            return None
        self._series[key] = _Series(aggregations, storages, now + _FRONT_DOOR_EVERY)
        return self._series[key]


def _real(histogram: Any) -> Any:
    """The SDK's histogram behind the API's stand-in, which was made before a provider was set."""
    return getattr(histogram, "_real_instrument", None) or histogram


def _unchanged(histogram: Any, series: _Series) -> bool:
    return _real(histogram)._measurement_consumer._reader_storages is series.storages


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


def _add(aggregation: Any, values: Sequence[float]) -> None:
    if len(values) > 2 and type(aggregation).__name__ == "_ExplicitBucketHistogramAggregation":
        _add_to_buckets(aggregation, values)
        return
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
