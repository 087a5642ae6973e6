"""Alerts on what users feel and what it costs: errors and latency by burn rate, spending, the provider's limits.

A burn rate is the share of bad calls by the share that the objective allows: 1 spends just the month's budget in a
month. Windows and rates are those of the SRE Workbook, chapter 5: fast burns 2 % of it in an hour, slow 5 % in six.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from panels import fields
from panels.figures import NONE
from panels.queries import ask, by, calls, total

from alerts.rule import DAY, HOUR, MINUTE, Question, Rule

GOOD_SHARE: Final = 0.99
"""So many calls shall succeed."""
FAST_SHARE: Final = 0.95
"""So many shall take at most `LONGEST`."""
LONGEST: Final = 10
"""Seconds."""
FEWEST: Final = 20
"""Below so many calls in the longer window nobody is woken: two of three are a share that says nothing."""
MONTHLY_BUDGET: Final = 1000
"""In the currency of the price list; of each, where it has several."""
HOURS_A_MONTH: Final = 730
FULL: Final = 0.9
"""The share of a provider's limit from which on refusals are near."""

# The application's own calls of models.
ANSWERS: Final = f"{fields.OPERATION}:(chat OR generate_content OR text_completion) AND NOT {fields.JUDGING}:true"
FAILED: Final = f"_exists_:{fields.ERROR}"
SLOW: Final = f"{fields.DURATION}:>{LONGEST}"


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast, seen over a long window, and still so over a short one."""

    speed: Literal["fast", "slow"]
    rate: float
    long: int
    short: int
    severity: Literal["page", "ticket"]


BURNS: Final = (
    Burn("fast", 14.4, HOUR, 5 * MINUTE, "page"),
    Burn("slow", 6, 6 * HOUR, 30 * MINUTE, "ticket"),
)


def _by_service(only: str | None) -> Dataquery:
    """Each environment's services apart: what is tried out in one must not hide what users feel in another."""
    environments = by(fields.ENVIRONMENT, size=20, missing=NONE)
    return ask([calls()], [environments, by(fields.SERVICE, size=100, identity="11")], of=ANSWERS, only=only)


def _burning(subject: str, told: str, bad: str, share: float, burn: Burn) -> Rule:
    limit = f"{burn.rate * (1 - share):.4g}"
    over_limit = (f"$bad_{window} / $all_{window} > {limit}" for window in ("long", "short"))
    questions = [
        Question(f"{name}_{window}", seconds, _by_service(only))
        for window, seconds in (("long", burn.long), ("short", burn.short))
        for name, only in (("all", None), ("bad", bad))
    ]
    service = '{{ index .Labels "' + fields.SERVICE + '" }} ({{ index .Labels "' + fields.ENVIRONMENT + '" }})'
    return Rule(
        name=f"{subject}-burn-{burn.speed}",
        title=f"{told} too often ({burn.speed} burn)",
        summary=f"{service}: over {burn.rate:g} times as many calls {told.lower()} as the objective allows",
        severity=burn.severity,
        questions=tuple(questions),
        condition=" && ".join(f"({one})" for one in (f"$all_long >= {FEWEST}", *over_limit)),
        pending="1m",
        board="overview",
    )


def _cost(name: str, seconds: int) -> Question:
    """In each currency by itself."""
    query = ask([total(fields.COST, "1")], [by(fields.CURRENCY)], of=f"_exists_:{fields.COST}")
    return Question(name, seconds, query)


def _saturation() -> Question:
    largest = model.Max(field=fields.SATURATION, id_val="1")
    limits: Sequence[model.Terms] = [by(fields.PROVIDER, size=50), by(fields.MODEL, size=100, identity="11")]
    query = ask([largest], [*limits], of=f"_exists_:{fields.SATURATION}")
    return Question("used", 5 * MINUTE, query)


RULES: Final = (
    *(_burning("error", "Fail", FAILED, GOOD_SHARE, burn) for burn in BURNS),
    *(_burning("latency", "Take too long", SLOW, FAST_SHARE, burn) for burn in BURNS),
    Rule(
        name="cost-budget",
        title="Spending beyond the month's budget",
        summary='{{ index .Labels "'
        + fields.CURRENCY
        + '" }}: at the rate of the last six hours, or already, the month '
        "costs more than its budget",
        severity="ticket",
        questions=(_cost("spent", 6 * HOUR), _cost("month", 30 * DAY)),
        condition=f"($spent / 6 * {HOURS_A_MONTH} > {MONTHLY_BUDGET}) || ($month > {MONTHLY_BUDGET})",
        pending="15m",
        board="overview",
    ),
    Rule(
        name="rate-limit",
        title="A provider's rate limit is nearly used up",
        summary='{{ index .Labels "' + fields.PROVIDER + '" }}, {{ index .Labels "' + fields.MODEL + '" }}: '
        f"over {FULL:.0%} of a limit is used",
        severity="ticket",
        questions=(_saturation(),),
        condition=f"$used > {FULL}",
        pending="5m",
        board="models",
    ),
)
