"""What is compared: each metric, its kind, which way is better and which difference matters. Measures nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from throughline import names

Kind = Literal["time", "rate", "mean"]
Better = Literal["lower", "higher", "neither"]
SCORE: Final = "score:"


@dataclass(frozen=True, slots=True)
class Margin:
    """The smallest difference that matters."""

    size: float
    relative: bool = True
    """Whether `size` is a share of the baseline's value, else it is in the metric's unit."""

    def __str__(self) -> str:
        return f"{self.size:.3g}" if not self.relative else f"{self.size * 100:.3g} %"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a request, and how variants are compared by it.

    `time`: skewed and positive, compared by the typical ratio (`ranks.py`). `rate`: 0 or 1, and `mean`: any number,
    compared by the difference of means over requests (`means.py`).
    """

    name: str
    kind: Kind
    better: Better
    margin: Margin
    unit: str = ""
    field: str | None = None
    """The attribute of the record; None for what is made of others."""

    @property
    def label(self) -> str:
        """The name as a person says it."""
        return self.name.removeprefix(SCORE).replace("_", " ")


_TENTH: Final = Margin(0.10)
_POINT: Final = Margin(0.01, relative=False)
"""One percentage point. Relative to a rate near 0, no difference could be excluded by any number of requests."""
_SCORED: Final = Margin(0.05)

METRICS: Final = (
    Metric("latency", "time", "lower", _TENTH, "s", names.DURATION),
    Metric("first_chunk", "time", "lower", _TENTH, "s", names.RESPONSE_TIME_TO_FIRST_CHUNK),
    Metric("token_time", "time", "lower", _TENTH, "s", names.TIME_PER_OUTPUT_TOKEN),
    Metric("errors", "rate", "lower", _POINT),
    Metric("input_tokens", "mean", "lower", _TENTH, "", names.USAGE_INPUT_TOKENS),
    Metric("output_tokens", "mean", "lower", _TENTH, "", names.USAGE_OUTPUT_TOKENS),
    Metric("cost", "mean", "lower", _TENTH, "", names.COST_AMOUNT),
)
_BY_NAME: Final = {metric.name: metric for metric in METRICS}


def metric_of(name: str) -> Metric:
    """The metric of that name; what is not among METRICS is a score, of which more is better."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    score = name.removeprefix(SCORE)
    return Metric(f"{SCORE}{score}", "mean", "higher", _SCORED)


def read_margin(written: str) -> Margin:
    """`5%` of the baseline's value, or `0.02` in the metric's unit, `1pp` for one percentage point.

    Raises ValueError for what is neither or not above 0.
    """
    text = written.strip().lower()
    number, relative = (text.removesuffix("%"), True) if text.endswith("%") else (text.removesuffix("pp"), False)
    size = float(number) / (100 if text.endswith(("%", "pp")) else 1)
    if not (math.isfinite(size) and size > 0) or (relative and size >= 1):
        raise ValueError(f"{written!r} is no difference that matters")
    return Margin(size, relative)


def read_better(written: str) -> Better:
    """`lower`, `higher` or `neither`. Raises ValueError for anything else."""
    match written.strip().lower():
        case "lower" | "higher" | "neither" as way:
            return way
    raise ValueError(f"{written!r} is none of lower, higher, neither")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user set otherwise, by the metric's name, with or without `score:`."""

    margins: Mapping[str, Margin]
    better: Mapping[str, Better]

    def of(self, name: str) -> Metric:
        """The metric as the user wishes it."""
        metric = metric_of(name)
        for known in (metric.name, metric.name.removeprefix(SCORE)):
            metric = replace(
                metric,
                margin=self.margins.get(known, metric.margin),
                better=self.better.get(known, metric.better),
            )
        return metric
