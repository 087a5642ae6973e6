"""A comparison as reports for boards and alerts: one document a variant and metric; stores none."""

from __future__ import annotations

import math
from collections.abc import Iterator

from throughline import names
from throughline.comparison.comparing import Finding
from throughline.comparison.running import Outcome
from throughline.store.reports import Report, Value


def reports(outcome: Outcome) -> Iterator[Report]:
    """Each finding that has a value; what is infinite or unknown is left out."""
    for finding in outcome.comparison.findings:
        if math.isfinite(finding.value):
            yield Report(names.COMPARISON, _attributes(outcome, finding))


def _attributes(outcome: Outcome, finding: Finding) -> dict[str, Value]:
    selection = outcome.plan.selection
    told: dict[str, Value] = {
        names.PROMPT_NAME: selection.prompt,
        names.PROMPT_VERSION: selection.version,
        names.EXPERIMENT_NAME: selection.experiment,
        names.PROMPT_VARIANT: finding.variant,
        names.COMPARISON_BASELINE: outcome.comparison.terms.baseline,
        names.COMPARISON_METRIC: finding.metric.name,
        names.COMPARISON_VALUE: finding.value,
        names.COMPARISON_REQUESTS: finding.requests,
        names.COMPARISON_USERS: finding.users,
        names.COMPARISON_VERDICT: finding.verdict,
        names.COMPARISON_NEEDED: finding.needed,
    }
    if finding.effect is not None:
        difference = finding.effect.difference
        told[names.COMPARISON_EFFECT] = _finite(difference.value)
        told[names.COMPARISON_EFFECT_LOW] = _finite(difference.low)
        told[names.COMPARISON_EFFECT_HIGH] = _finite(difference.high)
        told[names.COMPARISON_P_VALUE] = finding.p_value
    return told


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
