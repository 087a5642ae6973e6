"""What providers' headers tell of rate limits, in each provider's words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from throughline.operation import Operation
from throughline.rate_limits import note, note_error


def told(*several: Any) -> tuple[Any, ...]:
    """Limit and remainder of requests, of tokens, and the saturation, after answers with these headers."""
    op = Operation()
    for headers in several:
        note(op, headers)
    return (op.requests_limit, op.requests_remaining, op.tokens_limit, op.tokens_remaining, op.limit_saturation)


OPENAI = {"x-ratelimit-limit-requests": "10000", "x-ratelimit-remaining-requests": "9999",
          "x-ratelimit-limit-tokens": "200000", "x-ratelimit-remaining-tokens": "150000",
          "x-ratelimit-reset-requests": "8.64s", "x-ratelimit-reset-tokens": "6ms"}  # fmt: skip
ANTHROPIC = {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49",
             "anthropic-ratelimit-requests-reset": "2026-11-26T00:00:00Z",
             "anthropic-ratelimit-tokens-limit": "60000", "anthropic-ratelimit-tokens-remaining": "50000",
             "anthropic-ratelimit-input-tokens-limit": "50000", "anthropic-ratelimit-input-tokens-remaining": "48000",
             "anthropic-ratelimit-output-tokens-limit": "10000",
             "anthropic-ratelimit-output-tokens-remaining": "2000"}  # fmt: skip
MISTRAL = {"x-ratelimit-limit-req-minute": "720", "x-ratelimit-remaining-req-minute": "717",
           "x-ratelimit-limit-tokens-minute": "5000000", "x-ratelimit-remaining-tokens-minute": "4999911",
           "x-ratelimit-tokens-query-cost": "52"}  # fmt: skip
SIZED = {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "400000", "ratelimitbysize-reset": "22",
         "ratelimitbysize-query-cost": "32000", "x-ratelimitbysize-limit-month": "1000000000",
         "x-ratelimitbysize-remaining-month": "500000000", "x-ratelimitbysize-limit-minute": "500000",
         "x-ratelimitbysize-remaining-minute": "400000"}  # fmt: skip
TOGETHER = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "1",
            "x-tokenlimit-limit": "3000", "x-tokenlimit-remaining": "1000"}  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (OPENAI, (10_000, 9_999, 200_000, 150_000, 0.25)),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-remaining-tokens": "8"}, (None, 9, None, 8, None)),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-remaining-tokens": "0"}, (None, 9, None, 0, 1.0)),
        (ANTHROPIC, (50, 49, 10_000, 2_000, 0.8)),
        (MISTRAL, (720, 717, 5_000_000, 4_999_911, 3 / 720)),
        (SIZED, (None, None, 1_000_000_000, 500_000_000, 0.5)),
        (TOGETHER, (10, 9, 3000, 1000, 2 / 3)),
        ({"x-trial-endpoint-call-limit": "20", "x-trial-endpoint-call-remaining": "5"}, (20, 5, None, None, 0.75)),
        ({"llm_provider-x-ratelimit-limit-tokens": "10", "llm_provider-x-ratelimit-remaining-tokens": "1"},
         (None, None, 10, 1, 0.9)),
        ({"X-RateLimit-Limit-Requests": "4", "X-RateLimit-Remaining-Requests": "1"}, (4, 1, None, None, 0.75)),
        ({"x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "7"}, (5, 7, None, None, 0.0)),
        ({"x-ratelimit-limit-requests": "0", "x-ratelimit-remaining-requests": "0"}, (0, 0, None, None, None)),
    ],
)  # fmt: skip
def test_each_provider_has_its_own_words(headers: dict[str, str], expected: tuple[Any, ...]) -> None:
    *counts, saturation = told(headers)
    assert tuple(counts) == expected[:4]
    assert saturation == (expected[4] if expected[4] is None else pytest.approx(expected[4]))
    assert told(httpx.Headers(headers)) == told(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json", "x-request-id": "1", "limit": "7", "retry-after": "3"},
        {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "-1"},
        {"x-ratelimit-limit-requests": "nan", "x-ratelimit-remaining-requests": "inf"},
        {"x-ratelimit-limit-tokens": str(10**400), "x-ratelimit-remaining-tokens": str(2**63)},
        {"RateLimit-Limit": "100, 100;w=60", "RateLimit": "limit=100, remaining=5", "x-ratelimit-remaining-tokens": ""},
        {"x-ratelimit-limit-custom-day": "1", "x-ratelimit-over-limit": "no", "x-ratelimit-limit-remaining": "1"},
        {"x-ratelimit-limit-requests": None, "x-ratelimit-remaining-requests": object()},
        "no headers",
        None,
    ],
)
def test_what_is_no_count_of_a_limit_tells_nothing(headers: Any) -> None:
    assert told(headers) == (None,) * 5


def test_the_last_answer_counts_and_the_fullest_is_kept() -> None:
    first = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0"}
    last = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "8"}
    assert told(first, last) == (10, 8, None, None, 1.0)


@pytest.mark.parametrize("place", ["response", "raw_response", None])
def test_an_errors_answer_is_found_where_clients_keep_it(place: str | None) -> None:
    class AnswerError(Exception):
        headers = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "5"}

    error = AnswerError()
    if place:
        error = Exception()  # type: ignore[assignment]
        setattr(error, place, AnswerError())
    op = Operation()
    note_error(op, error)
    assert op.limit_saturation == 0.5
    note_error(op, ValueError("no answer at all"))
    assert op.limit_saturation == 0.5
