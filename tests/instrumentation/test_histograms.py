"""Values that go past the API must end up exactly where the API would have put them."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics._internal import _ProxyMeterProvider
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from throughline.histograms import Series

BOUNDS = (0.01, 0.1, 1.0, 10.0)
DIMENSIONS = {"gen_ai.request.model": "gpt-4o", "server.port": 443}
OTHER = {"gen_ai.request.model": "o3", "server.port": 443}
BATCHES: list[tuple[float, ...]] = [
    (0.5,), (0.02, 0.1, 0.11, 7.0), (0.0, 0.01, 1e-9), (10.0, 11.5, 1e6), tuple(n / 7 for n in range(40)), (3, 4),
]  # fmt: skip
DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE


def reader(temporality: AggregationTemporality = CUMULATIVE) -> InMemoryMetricReader:
    return InMemoryMetricReader(preferred_temporality={Histogram: temporality})


def points(source: InMemoryMetricReader) -> list[dict[str, Any]]:
    """What a reader collects, without the times and exemplars, in an order of its own."""
    found = source.get_metrics_data()
    scopes = [scope for resource in (found.resource_metrics if found else ()) for scope in resource.scope_metrics]
    kept = [
        {
            "metric": metric.name,
            "temporality": getattr(metric.data, "aggregation_temporality", None),
            **{
                name: f"{value:.9g}" if isinstance(value, float) else str(value)
                for name in ("attributes", "count", "sum", "min", "max", "bucket_counts", "explicit_bounds", "scale",
                             "zero_count", "positive", "negative", "value")
                if (value := getattr(point, name, None)) is not None
            },
        }
        for scope in scopes for metric in scope.metrics for point in metric.data.data_points
    ]  # fmt: skip
    return sorted(kept, key=str)


def _another_inside(*_args: Any) -> Any:
    raise AttributeError


Record = Callable[[Sequence[float], dict[str, Any]], None]


@dataclass
class Way:
    """One of two equal set-ups: values enter through the API, or through series."""

    provider: MeterProvider
    readers: list[InMemoryMetricReader]
    record: Record

    def collected(self) -> list[list[dict[str, Any]]]:
        return [points(source) for source in self.readers]


def histogram_of(provider: metrics.MeterProvider) -> metrics.Histogram:
    return provider.get_meter("test").create_histogram("h", "s", explicit_bucket_boundaries_advisory=BOUNDS)


def through_api(provider: MeterProvider) -> Record:
    histogram = histogram_of(provider)

    def record(values: Sequence[float], dimensions: dict[str, Any]) -> None:
        for value in values:
            histogram.record(value, dimensions)

    return record


def through_series(provider: metrics.MeterProvider, step: float = 0.25) -> Record:
    """The clock moves on by `step` seconds at each record, so that the front door is taken now and then."""
    histogram = histogram_of(provider)
    known: dict[str, Series] = {}
    clock = [0.0]

    def record(values: Sequence[float], dimensions: dict[str, Any]) -> None:
        clock[0] += step
        known.setdefault(str(dimensions), Series(histogram, dimensions)).record(values, Context(), clock[0])

    return record


def ways(temporalities: Sequence[AggregationTemporality], views: Sequence[View]) -> tuple[Way, Way]:
    made = []
    for enter in (through_api, through_series):
        readers = [reader(temporality) for temporality in temporalities]
        provider = MeterProvider(readers, views=views)
        made.append(Way(provider, readers, enter(provider)))
    return made[0], made[1]


VIEWS = {
    "none": [],
    "exponential": [View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())],
    "coarse exponential": [View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation(max_size=4))],
    "no minimum": [
        View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation(BOUNDS, record_min_max=False))
    ],
    "other buckets": [View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation((1.0, 5.0)))],
    "no buckets": [View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation(()))],
    "one attribute": [View(instrument_name="h", attribute_keys={"server.port"})],
    "no attribute": [View(instrument_name="h", attribute_keys=set())],
    "dropped": [View(instrument_name="h", aggregation=DropAggregation())],
    "two": [
        View(instrument_name="h", name="first"),
        View(instrument_name="h", name="second", attribute_keys={"server.port"}),
    ],
    "two, one dropped": [
        View(instrument_name="h", name="first"),
        View(instrument_name="h", name="second", aggregation=DropAggregation()),
    ],
}


@pytest.mark.parametrize("temporalities", [(DELTA,), (CUMULATIVE,), (DELTA, CUMULATIVE, DELTA)], ids=str)
@pytest.mark.parametrize("views", VIEWS)
def test_a_series_gives_what_the_api_gives(views: str, temporalities: Sequence[AggregationTemporality]) -> None:
    expected, found = ways(temporalities, VIEWS[views])
    for batch in BATCHES * 3:
        for way in (expected, found):
            way.record(batch, DIMENSIONS)
            way.record(batch[:2], OTHER)
        assert found.collected() == expected.collected()
    assert found.collected() == expected.collected()  # once more, with nothing new


def test_a_reader_that_comes_later_gets_all_that_comes_later() -> None:
    expected, found = ways([CUMULATIVE], [])
    if not hasattr(found.provider, "add_metric_reader"):
        pytest.skip("this SDK has its readers from the start")
    for way in (expected, found):
        way.record((0.5, 0.6, 0.7), DIMENSIONS)
        way.readers.append(reader(DELTA))
        way.provider.add_metric_reader(way.readers[1])
        way.record((1.5, 20.0), DIMENSIONS)
        way.record((0.02,), DIMENSIONS)
    assert found.collected() == expected.collected()
    for way in (expected, found):
        way.provider.remove_metric_reader(way.readers.pop(0))
        way.record((0.03,) * 3, DIMENSIONS)
    assert found.collected() == expected.collected()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.complains
@pytest.mark.parametrize("refused", [-1.0, math.nan, math.inf, -math.inf])
def test_what_the_api_refuses_is_refused(refused: float) -> None:
    expected, found = ways([CUMULATIVE], [])
    for way in (expected, found):
        way.record((0.5, 0.6), DIMENSIONS)
        way.record((0.7, refused, 0.8), DIMENSIONS)
        way.record((refused,), DIMENSIONS)
    assert found.collected() == expected.collected()


def test_a_provider_set_later_gets_the_values_from_then_on() -> None:
    proxy = _ProxyMeterProvider()
    record = through_series(proxy, step=2.0)
    record((0.5, 0.6), DIMENSIONS)
    source = reader()
    proxy.on_set_meter_provider(MeterProvider([source]))
    record((0.7, 0.8, 0.9), DIMENSIONS)
    assert [point["count"] for point in points(source)] == ["3"]


def test_without_an_sdk_nothing_happens() -> None:
    record = through_series(metrics.NoOpMeterProvider())
    for batch in BATCHES:
        record(batch, DIMENSIONS)


def test_every_value_takes_the_front_door_where_the_inside_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later SDK may look different inside: then the API is used, for each value."""
    source = reader()
    provider = MeterProvider([source])
    record, histogram = through_series(provider), type(histogram_of(provider))
    entered, original = [], histogram.record

    def counted(self: Any, amount: float, *args: Any) -> None:
        entered.append(amount)
        original(self, amount, *args)

    monkeypatch.setattr(histogram, "record", counted)
    monkeypatch.setattr("throughline.histograms._aggregation", _another_inside)
    record((0.5, 0.6, 0.7), DIMENSIONS)
    record((0.8,), DIMENSIONS)
    assert entered == [0.5, 0.6, 0.7, 0.8]
    assert [point["count"] for point in points(source)] == ["4"]


@pytest.mark.parametrize("views", ["none", "exponential", "one attribute", "no attribute", "two"])
def test_one_value_a_second_takes_the_front_door(monkeypatch: pytest.MonkeyPatch, views: str) -> None:
    provider = MeterProvider([reader(), reader(DELTA)], views=VIEWS[views])
    record, histogram = through_series(provider, step=0.25), type(histogram_of(provider))
    entered, original = [], histogram.record

    def counted(self: Any, amount: float, *args: Any) -> None:
        entered.append(amount)
        original(self, amount, *args)

    monkeypatch.setattr(histogram, "record", counted)
    for number in range(9):
        record((number, number), DIMENSIONS)
    assert entered == [0, 4, 8]


@pytest.fixture
def often_switching() -> Iterator[None]:
    """Threads take turns so often that what is not locked goes wrong."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(
    "aggregation", [None, ExponentialBucketHistogramAggregation()], ids=["explicit", "exponential"]
)
def test_no_value_is_lost_or_doubled_while_readers_collect(aggregation: Any, often_switching: None) -> None:
    delta, cumulative = reader(DELTA), reader(CUMULATIVE)
    views = [View(instrument_name="h", aggregation=aggregation)] if aggregation else []
    record = through_series(MeterProvider([delta, cumulative], views=views), step=0.01)
    writers, rounds, batch = 4, 300, (0.5, 1.5, 2.5) * 5
    started = threading.Barrier(writers + 1)

    def write() -> None:
        started.wait()
        for _ in range(rounds):
            record(batch, DIMENSIONS)
            record(batch[:1], OTHER)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    started.wait()
    deltas: list[dict[str, Any]] = []
    while any(thread.is_alive() for thread in threads):
        deltas += points(delta)
    for thread in threads:
        thread.join()
    deltas += points(delta)
    calls = writers * rounds
    for dimensions, values in ((DIMENSIONS, batch), (OTHER, batch[:1])):
        mine = [point for point in deltas if point["attributes"] == str(dimensions)]
        (whole,) = (point for point in points(cumulative) if point["attributes"] == str(dimensions))
        assert sum(int(point["count"]) for point in mine) == int(whole["count"]) == calls * len(values)
        assert sum(float(point["sum"]) for point in mine) == float(whole["sum"]) == calls * sum(values)
