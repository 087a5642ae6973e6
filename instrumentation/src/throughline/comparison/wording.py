"""What was found, in words and numbers for a person; lays nothing out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from throughline.comparison.comparing import Comparison, Finding
from throughline.comparison.effects import Interval
from throughline.comparison.metrics import SCORE, Metric

_ORDER: Final = ("invalid", "better", "worse", "differs", "alike", "open")
_SURE: Final = 0.001


def sentences(comparison: Comparison) -> Iterator[str]:
    """One for each variant and verdict that is worth it, conclusions first."""
    baseline = comparison.terms.baseline
    for variant in comparison.requests:
        found = [each for each in comparison.findings if each.variant == variant and each.effect is not None]
        for said in _ORDER:
            if of_it := [each for each in found if each.verdict == said and not _is_constant(each)]:
                yield f"{variant} {_beginning(said, baseline)} {_told(said, of_it)}."
        if constant := ", ".join(each.metric.label for each in found if _is_constant(each)):
            yield f"{variant} and {baseline}: nothing is concluded of {constant}, whose values do not vary."


def _beginning(said: str, baseline: str) -> str:
    match said:
        case "better" | "worse":
            return f"is {said} than {baseline} by"
        case "differs":
            return f"differs from {baseline} by"
        case "alike":
            return f"and {baseline} are alike by"
        case "invalid":
            return f"cannot be compared with {baseline}, as users are not split as expected, by"
    return f"and {baseline}: not enough data for"


def _told(said: str, found: list[Finding]) -> str:
    if said == "invalid":
        return ", ".join(each.metric.label for each in found)
    return "; ".join(f"{each.metric.label}{_more(each)}" for each in found)


def _more(finding: Finding) -> str:
    if finding.verdict != "open":
        return f": {change(finding)}"
    return f" ({missing(finding)})" if missing(finding) else ""


def _is_constant(finding: Finding) -> bool:
    """Whether more of the same would still tell nothing."""
    return finding.verdict == "open" and finding.effect is not None and finding.effect.contrast.variance == 0


def missing(finding: Finding) -> str:
    """What an open comparison lacks."""
    if finding.verdict != "open":
        return ""
    if finding.needed:
        return f"about {finding.needed:,} more requests"
    return "its values do not vary" if _is_constant(finding) else ""


def change(finding: Finding) -> str:
    """The effect with its interval, on the scale that people think in: `+0.11 [+0.07, +0.15]`."""
    if finding.effect is None:
        return ""
    metric = finding.metric
    by_share = metric.kind != "rate" and not metric.name.startswith(SCORE)
    by_share = by_share and math.isfinite(finding.effect.relative.value)
    shown = finding.effect.relative if by_share else finding.effect.difference
    unit = "%" if by_share else _unit(metric)
    scale = 100.0 if by_share or metric.kind == "rate" else 1.0
    return _interval(shown, scale, unit)


def _interval(shown: Interval, scale: float, unit: str) -> str:
    if not math.isfinite(shown.value):
        return "unknown"
    value = f"{_signed(shown.value * scale)}{unit and ' ' + unit}"
    if not (math.isfinite(shown.low) or math.isfinite(shown.high)):
        return value
    return f"{value} [{_signed(shown.low * scale)}, {_signed(shown.high * scale)}]"


def _unit(metric: Metric) -> str:
    return "points" if metric.kind == "rate" else metric.unit


def _signed(number: float) -> str:
    if not math.isfinite(number):
        return "?"
    return f"{number:+.3g}" if abs(number) < 1000 else f"{number:+,.0f}"


def value(finding: Finding, currency: str = "") -> str:
    """The variant's own figure."""
    number = finding.value
    if not math.isfinite(number):
        return "-"
    if finding.metric.kind == "rate":
        return f"{number * 100:.3g} %"
    unit = currency if finding.metric.name == "cost" else finding.metric.unit
    plain = f"{number:.3g}" if abs(number) < 1000 else f"{number:,.0f}"
    return f"{plain} {unit}".strip()


def tail(finding: Finding) -> str:
    """The 95th percentile of times."""
    return "" if finding.tail is None else f"{finding.tail:.3g} {finding.metric.unit}"


def probability(p_value: float | None) -> str:
    """A p-value of two digits."""
    if p_value is None:
        return ""
    return f"{p_value:.2g}" if p_value >= _SURE else "< 0.001"


def preamble(comparison: Comparison) -> str:
    """What the intervals and p-values mean."""
    together = f"Intervals hold together with {1 - comparison.terms.alpha:.0%}; p-values are adjusted by Holm's method"
    if comparison.terms.once:
        return f"{together}. Valid for this one look only: look again, and neither holds."
    return f"{together}. Both hold however often you look."


def split(comparison: Comparison) -> str:
    """How users were split, and whether that is as expected; empty where nothing is expected."""
    balance = comparison.balance
    if balance is None:
        return ""
    counts = ", ".join(f"{name} {count:,} ({balance.expected[name]:.0%})" for name, count in balance.counts.items())
    p_value = _against(balance.p_value)
    return f"Users by their first variant, and the share expected: {counts}; p {p_value} against the expected split."


def _against(p_value: float) -> str:
    return "< 0.001" if p_value < _SURE else f"= {p_value:.2g}"
