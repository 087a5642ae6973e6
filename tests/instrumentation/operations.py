"""Scenarios of whole operations, for every client: what a call becomes, however made; where its content may go."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
from instrumentation.conformance import (
    CONTENT_SCHEMAS,
    RECOMMENDED,
    check_attributes,
    check_content,
    metric_definitions,
)
from instrumentation.scenarios import (
    Client,
    answering,
    check_metrics,
    check_record,
    content_of,
    dumped,
    needs,
    streamed,
    without_time,
)
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode
from throughline import ContentMode, names

CANARY = "a secret that nobody may read"


def own_prices(folder: Path, recorded: Mapping[str, Any]) -> Path:
    """A price list of the owner's that knows every model of this provider, with another price for each part."""
    provider = str(recorded.get(names.PROVIDER_NAME))
    prices = {"input": 1e6, "output": 4e6, "cache_read": 5e5, "cache_creation": 2e6, "reasoning": 8e6}
    path = folder / "prices.json"
    entries = [{"provider": provider, "model": "*", **prices}]
    path.write_text(json.dumps({"version": "1", "currency": "EUR", "prices": entries}))
    return path


class Whole:
    """Every exchange in each of its ways: the whole span, record and metrics, and the caller's result as it was."""

    client: ClassVar[Client]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        exchanges = self.client.exchanges
        if "way" in metafunc.fixturenames:
            pairs = [(name, way) for name, exchange in exchanges.items() for way in exchange.ways]
            metafunc.parametrize(("name", "way"), pairs, ids=[f"{name}-{way}" for name, way in pairs])
        elif "name" in metafunc.fixturenames:
            metafunc.parametrize("name", list(exchanges))

    async def call(self, name: str, way: str) -> Any:
        exchange = self.client.exchanges[name]
        handler = answering(self.client.answer(exchange, streamed=streamed(way)))
        api = self.client.api(handler, asynchronous=way.startswith("async"))
        return await self.client.call(way, api, exchange.request)

    async def test_the_whole_operation(self, telemetry: Telemetry, name: str, way: str) -> None:
        exchange = self.client.exchanges[name]
        expected = dumped(await self.call(name, way))
        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
        assert dumped(await self.call(name, way)) == expected
        span, chunks = telemetry.span(), len(exchange.chunks) if streamed(way) else 0
        assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
        assert span.name == exchange.span_name
        check_record(telemetry, telemetry.attributes())
        found = without_time(telemetry.attributes(), chunks=chunks > 0)
        assert content_of(found) == exchange.content
        stream = {names.REQUEST_STREAM: True} if chunks else {}
        assert found == {**exchange.recorded, **stream, names.END_REASON: "completed"}
        check_metrics(telemetry, found, chunks=chunks)

    async def test_everything_is_in_the_registry(self, telemetry: Telemetry, name: str) -> None:
        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
        await self.call(name, self.client.exchanges[name].ways[0])
        attributes, record = telemetry.attributes(), plain(telemetry.record().attributes)
        for found in (attributes, record):
            check_attributes({key: value for key, value in found.items() if key not in CONTENT_SCHEMAS})
        assert attributes.keys() >= RECOMMENDED[attributes[names.OPERATION_NAME]] - self.client.untold
        assert set(check_content(attributes)) == set(check_content(record)) == set(self.client.exchanges[name].content)
        for metric, points in telemetry.points().items():
            assert metric in metric_definitions()
            for point in points:
                check_attributes(plain(point.attributes))

    async def test_each_token_is_paid_once_by_its_own_price(
        self, telemetry: Telemetry, tmp_path: Path, name: str
    ) -> None:
        recorded = self.client.exchanges[name].recorded
        telemetry.instrument(cost=True, prices_file=own_prices(tmp_path, recorded))
        await self.call(name, self.client.exchanges[name].ways[0])
        read, reasoning = (recorded.get(key, 0) for key in (names.USAGE_CACHE_READ_INPUT_TOKENS,
                                                           names.USAGE_REASONING_OUTPUT_TOKENS))  # fmt: skip
        created = recorded.get(names.USAGE_CACHE_CREATION_INPUT_TOKENS, 0)
        fresh, said = recorded.get(names.USAGE_INPUT_TOKENS), recorded.get(names.USAGE_OUTPUT_TOKENS, 0)
        paid = None if fresh is None else {
            names.COST_INPUT: (fresh - read - created) * 1.0, names.COST_CACHE_READ: read * 0.5,
            names.COST_CACHE_CREATION: created * 2.0, names.COST_OUTPUT: (said - reasoning) * 4.0,
            names.COST_REASONING: reasoning * 8.0,
        }  # fmt: skip
        found = telemetry.attributes()
        if paid is None:  # the provider told no usage: nothing is known of the cost either
            assert names.COST_AMOUNT not in found
        else:
            assert found[names.COST_AMOUNT] == pytest.approx(sum(paid.values()))
            assert {key: found.get(key, 0) for key in paid} == pytest.approx(paid)

    async def test_without_content_nothing_of_it_is_exported(self, telemetry: Telemetry, name: str) -> None:
        exchange = self.client.exchanges[name]
        telemetry.instrument()
        await self.call(name, exchange.ways[0])
        assert not set(CONTENT_SCHEMAS) & {*telemetry.attributes(), *telemetry.record().attributes}

    def test_there_is_a_fixture_for_every_scenario(self) -> None:
        assert self.client.wanted <= set(self.client.exchanges)


class Content:
    """Where content goes, and that it arrives whole."""

    client: ClassVar[Client]

    async def call(self, text: str, way: str = "reply") -> Any:
        request = self.client.asking(text)
        handler = answering(self.client.answer(self.client.exchange, streamed=streamed(way)))
        return await self.client.call(way, self.client.api(handler), request)

    @pytest.mark.parametrize("mode", list(ContentMode))
    async def test_content_goes_where_the_mode_says(self, telemetry: Telemetry, mode: ContentMode) -> None:
        telemetry.instrument(content=mode)
        await self.call(CANARY)
        assert (CANARY in telemetry.span().to_json()) is (mode in ("SPAN_ONLY", "SPAN_AND_EVENT"))
        assert (CANARY in str(telemetry.record().attributes)) is (mode in ("EVENT_ONLY", "SPAN_AND_EVENT"))
        assert CANARY not in str(telemetry.points())

    async def test_large_content_arrives_whole(self, telemetry: Telemetry) -> None:
        words = "a needle in a haystack " * 50_000
        telemetry.instrument(content=ContentMode.SPAN_ONLY, content_limit=10_000_000)
        await self.call(words)
        found = telemetry.attributes()[self.client.asked_in]
        assert words in (json.dumps(json.loads(found)) if self.client.asked_in in CONTENT_SCHEMAS else found)


class Callers:
    """What belongs to the caller and stays his: the request, its objects, the context."""

    client: ClassVar[Client]

    @pytest.mark.parametrize("way", ["reply", "stream"])
    async def test_the_wire_and_the_callers_objects_are_untouched(self, telemetry: Telemetry, way: str) -> None:
        seen: list[Any] = []
        make = self.client.answer(self.client.exchange, streamed=streamed(way))

        def handler(request: Any) -> Any:
            seen.append(self.client.sent(request))
            return make()

        arguments = copy.deepcopy(dict(self.client.exchange.request))
        before = copy.deepcopy(arguments)
        await self.client.call(way, self.client.api(handler), arguments)
        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
        await self.client.call(way, self.client.api(handler), arguments)
        assert seen[0] == seen[1]
        assert arguments == before
        assert telemetry.span()

    async def test_one_shot_iterators_in_the_request_arrive(self, telemetry: Telemetry) -> None:
        sent: list[Any] = []
        make = self.client.answer(self.client.exchange, streamed=False)
        arguments, find, expected = self.client.one_shot()

        def handler(request: Any) -> Any:
            sent.append(find(request))
            return make()

        telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
        await self.client.call("reply", self.client.api(handler), arguments)
        assert sent == [expected]

    @needs("stream")
    def test_the_callers_context_is_his_own(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        before = context.get_current()
        api = self.client.api(answering(self.client.answer(self.client.exchange, streamed=True)))
        for _ in self.client.stream(api, self.client.exchange.request):
            assert context.get_current() == before
            assert not trace.get_current_span().get_span_context().is_valid
        assert telemetry.span()

    async def test_suppression_is_honoured(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        handler = answering(self.client.answer(self.client.exchange, streamed=False))
        with suppress_instrumentation():
            await self.client.call("reply", self.client.api(handler), self.client.exchange.request)
        assert not telemetry.spans()

    def test_a_thread_keeps_the_trace(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        api = self.client.api(answering(self.client.answer(self.client.exchange, streamed=False)))

        def ask() -> None:
            asyncio.run(self.client.call("reply", api, self.client.exchange.request))

        tracer = telemetry.tracer_provider.get_tracer("app")
        with tracer.start_as_current_span("request") as parent, ThreadPoolExecutor(1) as pool:
            pool.submit(ask).result()
        (span,) = [span for span in telemetry.spans() if span.name == self.client.exchange.span_name]
        assert span.parent is not None
        assert span.parent.span_id == parent.get_span_context().span_id
