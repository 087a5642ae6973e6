"""Scenarios of rate limits, for clients that answer over HTTP: what an answer's headers tell, however it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from instrumentation.scenarios import Client, answering, streamed
from instrumentation.telemetry import Telemetry
from throughline import names

REQUESTS, TOKENS = "x-ratelimit-{}-requests", "x-ratelimit-{}-tokens"
LIMITS = (names.RATE_LIMIT_REQUESTS_LIMIT, names.RATE_LIMIT_REQUESTS_REMAINING, names.RATE_LIMIT_TOKENS_LIMIT,
          names.RATE_LIMIT_TOKENS_REMAINING, names.RATE_LIMIT_SATURATION)  # fmt: skip


def recorded(telemetry: Telemetry) -> tuple[Any, ...]:
    """Limit and remainder of requests, of tokens, and the saturation: on the span, and the same on the record."""
    attributes, record = telemetry.attributes(), telemetry.record().attributes
    found = tuple(attributes.get(name) for name in LIMITS)
    assert found == tuple(record.get(name) for name in LIMITS)
    return found


class Limits:
    """800 of 1,000 requests and 30,000 of 40,000 tokens are left; then nothing is, and the next attempt succeeds."""

    client: ClassVar[Client]
    requests: ClassVar[str | None] = REQUESTS
    """The header that tells of requests, with a place for `limit` or `remaining`."""
    tokens: ClassVar[str | None] = TOKENS

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "way" in metafunc.fixturenames:
            metafunc.parametrize("way", self.client.exchange.ways)

    def headers(self, requests: int, tokens: int) -> dict[str, str]:
        told = ((self.requests, 1000, requests), (self.tokens, 40_000, tokens))
        known = [(header, limit, left) for header, limit, left in told if header]
        return {
            **{header.format("limit"): str(limit) for header, limit, _ in known},
            **{header.format("remaining"): str(left) for header, _, left in known},
        }

    def expected(self, requests: int, tokens: int, saturation: float) -> tuple[Any, ...]:
        """What is recorded of these headers."""
        of_requests = (1000, requests) if self.requests else (None, None)
        of_tokens = (40_000, tokens) if self.tokens else (None, None)
        return (*of_requests, *of_tokens, pytest.approx(saturation))

    def answer(self, way: str, headers: Mapping[str, str]) -> Callable[[], Any]:
        make = self.client.answer(self.client.exchange, streamed=streamed(way))

        def made() -> Any:
            response = make()
            response.headers.update(headers)
            return response

        return made

    def refusal(self, **headers: str) -> Callable[[], Any]:
        body = {"error": {"message": "no", "type": "requests"}, "message": "no"}
        told = {**self.headers(0, 39_000), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return lambda: self.client.http.Response(429, json=body, headers=told)

    async def ask(self, way: str, *answers: Any, retries: int = 0) -> Any:
        api = self.client.api(answering(*answers), asynchronous=way.startswith("async"), retries=retries)
        return await self.client.call(way, api, self.client.exchange.request)

    async def test_they_are_recorded_however_the_answer_comes(self, telemetry: Telemetry, way: str) -> None:
        telemetry.instrument()
        await self.ask(way, self.answer(way, self.headers(800, 30_000)))
        assert recorded(telemetry) == self.expected(800, 30_000, 0.25 if self.tokens else 0.2)

    async def test_a_refusal_tells_of_them(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        with pytest.raises(Exception, match=r"."):
            await self.ask("reply", self.refusal())
        assert recorded(telemetry) == self.expected(0, 39_000, 1.0 if self.requests else 0.025)

    async def test_of_several_attempts_the_last_one_counts_and_the_fullest(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        refusal = self.refusal(retry_after_ms="1", retry_after="0")
        await self.ask("reply", refusal, self.answer("reply", self.headers(800, 39_500)), retries=1)
        assert recorded(telemetry) == self.expected(800, 39_500, 1.0 if self.requests else 0.025)
        assert telemetry.attributes()[names.ATTEMPT_COUNT] == 2

    async def test_odd_values_are_none(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        odd = dict(zip(self.headers(1, 1), ("many", "-1", "1e400", ""), strict=False))
        await self.ask("reply", self.answer("reply", odd))
        assert recorded(telemetry) == (None,) * 5
