"""One client's exchanges under one instrumentation, its spans on standard output. A process of its own, no test."""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from instrumentation.oracle.rivals import RIVALS, Rival
from instrumentation.scenarios import Client, answering, streamed
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import _logs, metrics, trace
from throughline import ContentMode

WAYS = ("reply", "stream")


def calls(client: Any) -> Iterator[tuple[str, Callable[[], Awaitable[Any]]]]:
    """Each exchange in the plain ways to call, then the first one refused; or what the client says itself."""
    if not isinstance(client, Client):
        yield from client.calls()
        return
    for name, exchange in client.exchanges.items():
        for way in WAYS:
            if way in exchange.ways and (way == "reply" or "stream" in client.offers):
                answer = client.answer(exchange, streamed=streamed(way))
                yield f"{name}/{way}", partial(called, client, way, answer, exchange.request)
    for name, (answer, _) in client.refusals.items():
        yield f"refused {name}/reply", partial(called, client, "reply", answer, client.exchange.request)


async def called(client: Client, way: str, answer: Any, request: Mapping[str, Any]) -> None:
    await client.call(way, client.api(answering(answer)), request)


def described(span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "status": span.status.status_code.name,
        "events": sorted({event.name for event in span.events}),
        "attributes": plain(span.attributes),
    }


async def run(families: list[Any], telemetry: Telemetry, keep: Callable[[Any], bool]) -> dict[str, Any]:
    """Label of each call → the spans that it made, in the order in which they ended."""
    found: dict[str, Any] = {}
    for client in families:
        for label, call in calls(client):
            telemetry.span_exporter.clear()
            with suppress(Exception):  # what a refusal raises is for the client's own tests
                await call()
            found[f"{type(client).__name__}/{label}"] = [described(span) for span in telemetry.spans() if keep(span)]
    return found


def instrumented(rival: Rival, whose: str, telemetry: Telemetry) -> Callable[[Any], bool]:
    """Switch one of the two on; which of the spans are its own. Clients with spans of their own have them in both."""
    trace.set_tracer_provider(telemetry.tracer_provider)
    metrics.set_meter_provider(telemetry.meter_provider)
    _logs.set_logger_provider(telemetry.logger_provider)
    if whose == "ours":
        telemetry.instrument(content=ContentMode.SPAN_ONLY)
        return lambda _span: True
    for instrumentor in rival.instrumentors():  # which versions they say they support is their affair
        instrumentor.instrument(skip_dep_check=True, tracer_provider=telemetry.tracer_provider)
    return lambda span: (
        span.instrumentation_scope.name.startswith(("opentelemetry.", "openinference.")) is not rival.native
    )


def main(name: str, whose: str) -> None:
    warnings.simplefilter("ignore")  # rivals warn of what they deprecate
    rival, telemetry = RIVALS[name], Telemetry()
    families = rival.families()
    keep = instrumented(rival, whose, telemetry)
    print(json.dumps(asyncio.run(run(families, telemetry, keep))))


if __name__ == "__main__":
    main(*sys.argv[1:])
