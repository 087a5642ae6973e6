"""The known records: a hundred chat calls, twenty retrievals, five calls of a judge (on the third to the seventh).

Chat call i of 1..100 took i tenths of a second; 70 went to the small model, 30 to the large one; each tenth one failed.
What is told of the others is in `_answered`.
"""

from __future__ import annotations

from typing import Final

from dashboards.known.documents import Plain, at, began, document
from throughline import names

STREAM: Final = "logs-genai.record.otel-dashboards"
DELIVERED_AFTER: Final = 2_500
"""Milliseconds that each record took to the store."""


def records() -> list[Plain]:
    """Every document."""
    return [
        *(chat(number) for number in range(1, 101)),
        *(retrieval(number) for number in range(1, 21)),
        *(judging(number) for number in range(3, 8)),
    ]


def chat(number: int) -> Plain:
    """Call `number`: prompt help-desk 1 up to 60, 2 up to 90, then none; user of five up to 90, then none."""
    attributes: Plain = {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: "openai" if number <= 70 else "anthropic",
        names.REQUEST_MODEL: "sim-small" if number <= 70 else "sim-large",
        names.REQUEST_TEMPERATURE: 0.2,
        names.REQUEST_MAX_TOKENS: 400,
        names.DURATION: number / 10,
        names.PROMPT_FINGERPRINT: ("aa" if number <= 60 else "bb" if number <= 95 else "cc") * 32,
        names.CHAIN_ID: "chain-a" if number <= 50 else "chain-b",
        names.CHAIN_SEQUENCE: (number - 1) % 50,
    }
    if number <= 90:
        attributes |= {
            names.PROMPT_NAME: "help-desk",
            names.PROMPT_VERSION: "1" if number <= 60 else "2",
            names.PROMPT_VARIANT: "concise" if number % 2 else "stepwise",
            names.USER_ID: f"user {number % 5}",
        }
    if number <= 60:
        attributes[names.EXPERIMENT_NAME] = "brevity"
    if number % 25 == 0:
        attributes[names.ATTEMPT_COUNT] = 3
    if number <= 10:
        attributes |= {names.MASK_COUNT: 3, names.MASK_KINDS: ["email:2", "phone:1"]}
    elif number <= 12:
        attributes |= {names.MASK_COUNT: 12, names.MASK_KINDS: ["employee_id:12"], names.MASK_SECOND_PASS: 1}
    if number % 10 == 0:
        attributes[names.ERROR_TYPE] = "timeout" if number % 50 == 0 else "RateLimitError"
    else:
        attributes |= _answered(number)
    return _record("llm-caller", number, number, (number - 1) % 50, attributes)


def _answered(number: int) -> Plain:
    """Half of the answers were streamed, each ninth one was cut off, and the limit fills up with the number."""
    large = number > 70
    attributes: Plain = {
        names.USAGE_INPUT_TOKENS: 1000,
        names.USAGE_OUTPUT_TOKENS: 10,
        names.USAGE_CACHE_READ_INPUT_TOKENS: 400,
        names.COST_AMOUNT: 0.01 if large else 0.001,
        names.COST_CURRENCY: "USD",
        names.RESPONSE_FINISH_REASONS: ["length" if number % 9 == 0 else "stop"],
        names.TIME_PER_OUTPUT_TOKEN: number / 1000,
        names.RATE_LIMIT_REQUESTS_LIMIT: 100,
        names.RATE_LIMIT_REQUESTS_REMAINING: 100 - number,
        names.RATE_LIMIT_SATURATION: number / 100,
    }
    if large:
        attributes[names.USAGE_REASONING_OUTPUT_TOKENS] = 4
    if number % 2:
        attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] = number / 100
    return attributes


def retrieval(number: int) -> Plain:
    """A search for chat call `number`, in its trace: no model, no user, no prompt; each fifth one found nothing.

    The first thirteen looked among lendings, the others among known answers.
    """
    attributes: Plain = {
        names.OPERATION_NAME: "retrieval",
        names.PROVIDER_NAME: "elasticsearch",
        names.DATA_SOURCE_ID: "lending" if number <= 13 else "faq",
        names.DURATION: 0.005,
        names.RETRIEVAL_COUNT: 3,
        names.RETRIEVAL_TOP_SCORE: number / 20,
    }
    if number % 5 == 0:
        attributes[names.RETRIEVAL_COUNT] = 0
        del attributes[names.RETRIEVAL_TOP_SCORE]
    return _record("prompt-builder", number, 1000 + number, number, attributes)


def judging(number: int) -> Plain:
    """What the judge asked, slowly, expensively and of a model of its own, in the trace that it judged."""
    attributes = {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: "judges' own",
        names.REQUEST_MODEL: "sim-judge",
        names.JUDGING: True,
        names.DURATION: 60.0,
        names.COST_AMOUNT: 100.0,
        names.COST_CURRENCY: "USD",
        names.ERROR_TYPE: "judged wrongly",
    }
    return _record("judge", number, 2000 + number, number, attributes)


def _record(service: str, trace: int, span: int, minute: int, attributes: Plain) -> Plain:
    """The record of a span, whose id is its trace's and its own."""
    identity = f"{trace:032x}{span:016x}"
    started = began(minute, span, attributes[names.DURATION])
    made = {names.RECORD_ID: identity, names.START_TIME_UNIX_NANO: started}
    environment = "staging" if span == 1020 else "production"
    time = at(minute, span)
    whole = document(service, identity, time, attributes | made, trace=f"{trace:032x}", environment=environment)
    return whole | {"observed_timestamp": at(minute, span + DELIVERED_AFTER)}
