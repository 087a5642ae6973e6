"""The whole comparison as one page of HTML that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from throughline.comparison import course, drawing, wording
from throughline.comparison.comparing import Finding
from throughline.comparison.drawing import plain
from throughline.comparison.metrics import Metric
from throughline.comparison.running import Outcome

HEADINGS = ("metric", "variant", "requests", "users", "value", "p95", "effect", "p", "verdict")


def page(outcome: Outcome, subtitle: str) -> str:
    """The page; `subtitle` says when and from what."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    comparison = outcome.comparison
    others = [name for name in comparison.requests if name != comparison.terms.baseline]
    return template.render(
        prompt=plain(outcome.plan.selection.prompt),
        subtitle=plain(subtitle),
        sentences=[plain(each) for each in wording.sentences(comparison)],
        preamble=wording.preamble(comparison),
        split=plain(wording.split(comparison)),
        notes=[plain(each) for each in outcome.notes],
        headings=HEADINGS,
        rows=[_row(outcome, finding) for finding in ordered(outcome)],
        baseline=plain(comparison.terms.baseline),
        forests=[(plain(name), Markup(drawing.forest(comparison, name))) for name in others],  # noqa: S704  # our own
        legend=[(plain(name), *look) for name, *look in drawing.legend(outcome.read.traffic.variants)],
        metrics=[_metric(outcome, metric, others) for metric in metrics(outcome)],
    )


def ordered(outcome: Outcome) -> Iterator[Finding]:
    """Findings by metric, the baseline's first."""
    for metric in metrics(outcome):
        yield from (each for each in outcome.comparison.findings if each.metric == metric)


def metrics(outcome: Outcome) -> list[Metric]:
    """Those compared, in order."""
    return list(dict.fromkeys(finding.metric for finding in outcome.comparison.findings))


def cells(outcome: Outcome, finding: Finding) -> list[str]:
    """What a table has of a finding, by HEADINGS without the verdict."""
    return [
        finding.metric.label,
        finding.variant,
        f"{finding.requests:,}",
        f"{finding.users:,}",
        wording.value(finding, outcome.read.currency),
        wording.tail(finding),
        wording.change(finding),
        wording.probability(finding.p_value),
    ]


def said(finding: Finding) -> str:
    """The verdict, and what an open one lacks."""
    lacking = wording.missing(finding)
    return f"open: {lacking}" if lacking else finding.verdict


def _row(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    told = [plain(each) for each in cells(outcome, finding)]
    return {"cells": told, "verdict": finding.verdict, "said": said(finding)}


def _metric(outcome: Outcome, metric: Metric, others: list[str]) -> dict[str, Any]:
    traffic, comparison = outcome.read.traffic, outcome.comparison
    told = {"label": plain(metric.label), "course": ""}
    told["distribution"] = Markup(drawing.distribution(traffic, metric))  # noqa: S704  # drawn from numbers
    if not comparison.terms.once:  # whose interval is of one look, so that it has no course
        looks = {name: course.looks(traffic, comparison, metric, name) for name in others}
        told["course"] = Markup(drawing.course(metric, looks, traffic.variants))  # noqa: S704
    return told
