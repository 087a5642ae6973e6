"""For each alert rule what makes it fire, what nearly does, and what silence means. Each case has a time of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from throughline import names

Plain = dict[str, Any]
DAY: Final = 86_400
RECORDS: Final = "logs-genai.record.otel-alerts"
OPERATIONS: Final = "logs-genai.operation.otel-alerts"
AUDIT: Final = "logs-genai.audit.otel-alerts"
REPORTS: Final = "logs-genai.report.otel-alerts"
METRICS: Final = "metrics-generic.otel-alerts"


@dataclass(frozen=True, slots=True)
class Case:
    """Documents by how many seconds ago they were made, and the labels' values of each instance that then fires."""

    rule: str
    told: str
    documents: Sequence[Plain]
    fires: Sequence[tuple[str, ...]] = field(default=())


def calls(count: int, ago: int, *, service: str = "desk", environment: str = "", **attributes: Any) -> list[Plain]:
    """So many model calls at that moment; attributes by the constants' names of `names`."""
    own = {names.OPERATION_NAME: "chat", names.DURATION: 1.0}
    own |= {getattr(names, name): value for name, value in attributes.items()}
    return [document(RECORDS, ago, own, service) | {"environment": environment} for _ in range(count)]


def document(stream: str, ago: int, attributes: Plain, service: str, event: str = "") -> Plain:
    event = event or names.CLIENT_INFERENCE_OPERATION_DETAILS
    return {"stream": stream, "ago": ago, "attributes": attributes, "service": service, "event_name": event}


def point(ago: int, metrics: Plain, service: str = "desk", **attributes: str) -> Plain:
    """One point of metrics."""
    return {"stream": METRICS, "ago": ago, "attributes": attributes, "service": service, "metrics": metrics}


def queue(waiting: int, exporter: str = "otlp_grpc/records") -> Plain:
    metrics = {"otelcol_exporter_queue_size": waiting, "otelcol_exporter_queue_capacity": 1000}
    return point(60, metrics, "throughline-collector", exporter=exporter)


def stored(ago: int, rejected: int, stream: str = "logs-genai.rejected.otel-default") -> Plain:
    attributes = {names.STORAGE_STREAM: stream, names.STORAGE_DOCUMENTS: rejected}
    return document(REPORTS, ago, attributes, "", names.STORAGE)


def verified(ago: int, state: str, service: str = "desk") -> Plain:
    return document(REPORTS, ago, {names.VERIFICATION_STATE: state}, service, names.VERIFICATION)


COMPUTED: Final = ("3",)
"""What Grafana calls a series of a script: by its number among the metrics."""
EUR: Final = {"COST_CURRENCY": "EUR"}
FAILED: Final = {"ERROR_TYPE": "timeout"}
SLOW: Final = {"DURATION": 10.1}
LIMIT: Final = {"PROVIDER_NAME": "openai", "REQUEST_MODEL": "small"}

CASES: Final = (
    Case(
        "error-burn-fast",
        "a fifth fails now and in the last hour, of one service",
        [
            *calls(40, 3000), *calls(10, 3000, **FAILED), *calls(8, 60), *calls(2, 60, **FAILED),
            *calls(60, 60, service="quiet"),
        ],
        [("(none)", "desk")],
    ),
    Case(
        "error-burn-fast",
        "production fails, and another environment's many good calls do not hide it",
        [
            *calls(70, 60, environment="production"),
            *calls(30, 60, environment="production", **FAILED),
            *calls(900, 60, environment="staging"),
        ],
        [("production", "desk")],
    ),
    Case("error-burn-fast", "it is over", [*calls(40, 3000), *calls(10, 3000, **FAILED), *calls(10, 60)]),
    Case("error-burn-fast", "14 of 100 are under 14.4 %", [*calls(86, 60), *calls(14, 60, **FAILED)]),
    Case("error-burn-fast", "15 of 100 are over", [*calls(85, 60), *calls(15, 60, **FAILED)], [("(none)", "desk")]),
    Case("error-burn-fast", "too few calls to say", [*calls(9, 60), *calls(10, 60, **FAILED)]),
    Case("error-burn-fast", "a judge's failures are not the users'", [
        *calls(40, 60), *calls(40, 60, **FAILED, JUDGING=True),
    ]),
    Case("error-burn-fast", "a retrieval is no answer", [
        *calls(40, 60), *calls(40, 60, **FAILED, OPERATION_NAME="retrieval"),
    ]),
    Case("error-burn-fast", "nothing happened", []),
    Case(
        "error-burn-slow",
        "a twelfth fails for hours",
        [*calls(88, 18_000), *calls(12, 18_000, **FAILED), *calls(22, 1700), *calls(3, 1700, **FAILED)],
        [("(none)", "desk")],
    ),
    Case("error-burn-slow", "5 of 100 are under 6 %", [*calls(95, 1000), *calls(5, 1000, **FAILED)]),
    Case("latency-burn-fast", "most are slow", [*calls(25, 60), *calls(75, 60, **SLOW)], [("(none)", "desk")]),
    Case("latency-burn-fast", "seven of ten", [*calls(30, 60), *calls(70, 60, **SLOW)]),
    Case("latency-burn-fast", "ten seconds are just allowed", calls(100, 60, DURATION=10.0)),
    Case("latency-burn-slow", "a third", [*calls(66, 1000), *calls(34, 1000, **SLOW)], [("(none)", "desk")]),
    Case("latency-burn-slow", "a quarter", [*calls(75, 1000), *calls(25, 1000, **SLOW)]),
    # 1000 a month are 1000 / 730 * 6 = 8.219 in six hours.
    Case("cost-budget", "8.3 in six hours", calls(83, 3600, **EUR, COST_AMOUNT=0.1), [("EUR",)]),
    Case("cost-budget", "8.2", calls(82, 3600, **EUR, COST_AMOUNT=0.1)),
    Case("cost-budget", "8.2 in one currency and as much in another", [
        *calls(82, 3600, **EUR, COST_AMOUNT=0.1), *calls(82, 3600, COST_CURRENCY="USD", COST_AMOUNT=0.1),
    ]),
    Case(
        "cost-budget",
        "the month's is spent, though not now",
        [*calls(1, 20 * DAY, **EUR, COST_AMOUNT=1001.0), *calls(1, 60, **EUR, COST_AMOUNT=0.01)],
        [("EUR",)],
    ),
    Case(
        "rate-limit",
        "one model near its limit",
        [
            *calls(1, 200, **LIMIT, RATE_LIMIT_SATURATION=0.91),
            *calls(1, 60, **LIMIT, RATE_LIMIT_SATURATION=0.2),
            *calls(1, 60, PROVIDER_NAME="openai", REQUEST_MODEL="large", RATE_LIMIT_SATURATION=0.5),
        ],
        [("openai", "small")],
    ),
    Case("rate-limit", "it was full ten minutes ago", [
        *calls(1, 600, **LIMIT, RATE_LIMIT_SATURATION=1.0), *calls(1, 60, **LIMIT, RATE_LIMIT_SATURATION=0.1),
    ]),
    Case("chain-gap", "a gap", [document(AUDIT, 60, {names.GAP_COUNT: 3}, "desk", names.CHAIN_GAP)], [("desk",)]),
    Case("chain-gap", "a checkpoint is none", [document(AUDIT, 60, {}, "desk", names.CHAIN_CHECKPOINT)]),
    Case("chain-broken", "broken", [verified(600, "broken"), verified(600, "proven")], [("desk",)]),
    Case("chain-broken", "records outside of any chain, which are no service's", [verified(600, "broken", "")], [
        ("(none)",),
    ]),
    Case("chain-broken", "sound and proven", [verified(600, "sound"), verified(600, "proven")]),
    Case("unmasked", "two values", calls(1, 60, MASK_SECOND_PASS=2), [("desk",)]),
    Case(
        "unmasked",
        "what a tool was given",
        [document(OPERATIONS, 60, {names.MASK_SECOND_PASS: 1}, "desk", names.OPERATION_DETAILS)],
        [("desk",)],
    ),
    Case("unmasked", "masked by the application", calls(1, 60, MASK_COUNT=2)),
    Case(
        "spool-filling",
        "more than half of one",
        [point(60, {"throughline.spool.size": 134_217_729}), point(60, {"throughline.spool.size": 9}, "other")],
        [("desk",)],
    ),
    Case("spool-filling", "just half", [point(60, {"throughline.spool.size": 134_217_728})]),
    Case("delivery-late", "five minutes and a bit", [point(60, {"throughline.spool.oldest_age": 301.0})], [("desk",)]),
    Case("delivery-late", "four", [point(60, {"throughline.spool.oldest_age": 240.0})]),
    Case("queue-filling", "the records' queue", [queue(501), queue(1, "elasticsearch")], [("otlp_grpc/records",)]),
    Case("queue-filling", "half full", [queue(500)]),
    Case("dead-letters", "one more", [stored(1800, 4), stored(60, 5)], [COMPUTED]),
    Case("dead-letters", "the first ever: until then there was no stream of them", [
        stored(1800, 7, "logs-genai.record.otel-default"), stored(60, 9, "logs-genai.record.otel-default"),
        stored(60, 1),
    ], [COMPUTED]),
    Case("dead-letters", "the first of a namespace, where another has more", [
        stored(1800, 4), stored(60, 4), stored(60, 1, "logs-genai.rejected.otel-legacy"),
    ], [COMPUTED]),
    Case("dead-letters", "old ones, and other streams that grow", [
        stored(1800, 4), stored(60, 4), stored(1800, 4, "logs-genai.record.otel-default"),
        stored(60, 9, "logs-genai.record.otel-default"),
    ]),
    Case("dead-letters", "retention removes some", [stored(1800, 4), stored(60, 1)]),
    Case("dead-letters", "nothing is reported", []),
    Case("no-records", "silence after a busy day", calls(1001, 3600), [()]),
    Case("no-records", "a quiet day", calls(1000, 3600)),
    Case("no-records", "still busy", [*calls(1001, 3600), *calls(1, 60)]),
    Case("collector-silent", "only others speak", [point(60, {"throughline.spool.size": 1})], [()]),
    Case("collector-silent", "it spoke", [queue(1)]),
)  # fmt: skip
