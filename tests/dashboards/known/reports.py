"""The known reports: two chains verified, two streams measured, two variants compared, the newest after older ones."""

from __future__ import annotations

from typing import Final

from dashboards.known.documents import Plain, at, document
from throughline import names

STREAM: Final = "logs-genai.report.otel-dashboards"
DAY: Final = 86_400 * 10**9


def documents() -> list[Plain]:
    """Every report."""
    return [*verifications(), *storage(), *comparisons()]


def verifications() -> list[Plain]:
    """Chain a was broken and is proven since; chain b is sound."""
    return [
        _verification(10, "chain-a", "broken", 25, 20, ["missing:1"]),
        _verification(40, "chain-a", "proven", 50, 50, []),
        _verification(40, "chain-b", "sound", 50, 25, []),
    ]


def _verification(minute: int, chain: str, state: str, records: int, proven: int, findings: list[str]) -> Plain:
    attributes: Plain = {
        names.CHAIN_ID: chain,
        names.VERIFICATION_STATE: state,
        names.VERIFICATION_RECORDS: records,
        names.VERIFICATION_PROVEN: proven,
        names.VERIFICATION_FINDINGS: findings,
    }
    return _report(names.VERIFICATION, minute, chain, attributes, service="llm-caller")


def storage() -> list[Plain]:
    """The records' stream grows by a million bytes in twenty minutes, the content's by two; once was one rejected."""
    return [
        *_stored("logs-genai.record.otel-default", 365, [(1_000_000 * turn, 100 * turn) for turn in (1, 2, 3)]),
        *_stored("logs-genai.content.otel-default", 30, [(2_000_000 * turn, 100 * turn) for turn in (1, 2, 3)]),
        *_stored("logs-genai.rejected.otel-default", 30, [(500, 2), (500, 2), (800, 3)]),
    ]


def _stored(stream: str, days: int, turns: list[tuple[int, int]]) -> list[Plain]:
    return [
        _report(
            names.STORAGE,
            minute,
            stream,
            {
                names.STORAGE_STREAM: stream,
                names.STORAGE_BYTES: size,
                names.STORAGE_DOCUMENTS: count,
                names.STORAGE_OLDEST_UNIX_NANO: 1_779_000_000 * 10**9,
                names.STORAGE_RETENTION_DAYS: days,
            },
        )
        for minute, (size, count) in zip((10, 30, 50), turns, strict=True)
    ]


def comparisons() -> list[Plain]:
    """Stepwise is better in latency than concise, the control, since the second time; groundedness is open.

    The interval narrows from the first time to the second. Another prompt has variants of its own.
    """
    found = [
        _comparison(45, "long", "latency", 9.0, "baseline", _OF_SUMMARY),
        _comparison(45, "short", "latency", 3.0, "better", {**_OF_SUMMARY, names.COMPARISON_EFFECT: -6.0}),
    ]
    for minute, verdict in ((15, "open"), (45, "better")):
        found.append(_comparison(minute, "concise", "latency", 4.5, "baseline", {}))
        reach = 0.3 if verdict == "better" else 0.9
        effect = {
            names.COMPARISON_EFFECT: -0.5,
            names.COMPARISON_EFFECT_LOW: -0.5 - reach,
            names.COMPARISON_EFFECT_HIGH: -0.5 + reach,
            names.COMPARISON_P_VALUE: 0.01,
        }
        found.append(_comparison(minute, "stepwise", "latency", 4.0, verdict, effect))
        found.append(_comparison(minute, "concise", "score:groundedness", 0.5, "baseline", {}))
        needed = {names.COMPARISON_P_VALUE: 0.4, names.COMPARISON_NEEDED: 500}
        found.append(_comparison(minute, "stepwise", "score:groundedness", 0.55, "open", needed))
    return found


_OF_SUMMARY: Final[Plain] = {
    names.PROMPT_NAME: "summary",
    names.EXPERIMENT_NAME: "length",
    names.COMPARISON_BASELINE: "long",
}


def _comparison(minute: int, variant: str, metric: str, value: float, verdict: str, more: Plain) -> Plain:
    attributes: Plain = {
        names.PROMPT_NAME: "help-desk",
        names.PROMPT_VERSION: "1",
        names.EXPERIMENT_NAME: "brevity",
        names.PROMPT_VARIANT: variant,
        names.COMPARISON_BASELINE: "concise",
        names.COMPARISON_METRIC: metric,
        names.COMPARISON_VALUE: value,
        names.COMPARISON_REQUESTS: 45,
        names.COMPARISON_USERS: 5,
        names.COMPARISON_VERDICT: verdict,
    }
    return _report(names.COMPARISON, minute, f"{variant} {metric}", attributes | more)


def _report(event: str, minute: int, subject: str, attributes: Plain, *, service: str | None = None) -> Plain:
    return document(service, f"{event} {minute} {subject}", at(minute), attributes, event=event)
