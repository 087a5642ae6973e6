"""A known data set: records in the shape in which the Collector's exporter writes them, and no two tests' opinion.

An hour in the past, in which the first fifty minutes hold two chat calls each and the last ten none:
call i of 1..100 took i tenths of a second; 70 of the small model, 30 of the large one; each tenth one failed.
Twenty retrievals, quick and without a model, user or prompt, stand beside them.
"""

from __future__ import annotations

from typing import Any, Final

from throughline import names

STREAM: Final = "logs-genai.record.otel-dashboards"
START: Final = 1_780_000_020_000  # a whole minute, of a day that no other test writes in
MINUTE: Final = 60_000
END: Final = START + 60 * MINUTE - 1
Plain = dict[str, Any]


def records() -> list[Plain]:
    """Every document, of chat calls and retrievals."""
    return [chat(number) for number in range(1, 101)] + [retrieval(number) for number in range(1, 21)]


def chat(number: int) -> Plain:
    """Call `number`: prompt help-desk 1 up to 60, 2 up to 90, then none; user of five up to 90, then none."""
    attributes: Plain = {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: "openai",
        names.REQUEST_MODEL: "sim-small" if number <= 70 else "sim-large",
        names.DURATION: number / 10,
    }
    if number <= 90:
        attributes |= {
            names.PROMPT_NAME: "help-desk",
            names.PROMPT_VERSION: "1" if number <= 60 else "2",
            names.PROMPT_VARIANT: "concise" if number % 2 else "stepwise",
            names.USER_ID: f"user {number % 5}",
        }
    if number % 10 == 0:
        attributes[names.ERROR_TYPE] = "timeout" if number % 50 == 0 else "RateLimitError"
    else:
        attributes |= {names.USAGE_INPUT_TOKENS: 1000, names.USAGE_OUTPUT_TOKENS: 10}
    return _document("llm-caller", number, (number - 1) % 50, attributes)


def retrieval(number: int) -> Plain:
    """A search: no model, no user, no prompt."""
    attributes = {
        names.OPERATION_NAME: "retrieval",
        names.PROVIDER_NAME: "elasticsearch",
        names.DURATION: 0.005,
    }
    return _document("prompt-builder", 1000 + number, number, attributes)


def _document(service: str, number: int, minute: int, attributes: Plain) -> Plain:
    """The exporter's form: milliseconds and their fraction as text, attributes under their dotted names."""
    trace = f"{number:032x}"
    record = f"{trace}{number:016x}"
    environment = "staging" if number == 1020 else "production"
    return {
        "_id": record,
        "@timestamp": f"{START + minute * MINUTE + number}.000001",
        "trace_id": trace,
        "span_id": f"{number:016x}",
        "event_name": names.CLIENT_INFERENCE_OPERATION_DETAILS,
        "attributes": attributes | {names.RECORD_ID: record},
        "resource": {"attributes": {names.SERVICE_NAME: service, names.DEPLOYMENT_ENVIRONMENT_NAME: environment}},
        "scope": {"name": "throughline"},
        "body": {"text": ""},
    }
