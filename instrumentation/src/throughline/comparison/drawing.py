"""Pictures of a comparison as SVG that goes into a page, readable on light and on dark; computes nothing."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from throughline.comparison.comparing import Comparison, Finding
from throughline.comparison.course import Look
from throughline.comparison.effects import Interval
from throughline.comparison.metrics import Metric
from throughline.comparison.traffic import Traffic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK: Final = "#010203"
"""Stands for the page's own colour of text, which it is replaced by."""
_COLOURS: Final = ("#3b82f6", "#f97316", "#10b981", "#a855f7", "#eab308", "#ec4899")
_LINES: Final = ("solid", "dashed", "dotted")
"""Of variants, beside their colours; the same words in matplotlib and in CSS."""
_VERDICTS: Final = {"better": "#10b981", "worse": "#ef4444", "alike": "#3b82f6", "differs": "#a855f7"}
_GREY: Final = "#8a8f98"
_STYLE: Final[Mapping[str, Any]] = {
    "svg.fonttype": "none", "svg.hashsalt": "throughline", "font.family": "sans-serif", "font.size": 9,
    "text.parse_math": False, "text.color": _INK, "axes.labelcolor": _INK, "axes.edgecolor": _GREY,
    "xtick.color": _INK, "ytick.color": _INK, "xtick.labelcolor": _INK, "ytick.labelcolor": _INK,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
}  # fmt: skip
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_REFERENCE: Final = re.compile(r"(?<=\(|\")#([A-Za-z][\w.-]*)(?=[)\"])")
_NAME: Final = re.compile(r' id="([^"]*)"')
_FARTHEST: Final = 20.0


def plain(text: str) -> str:
    """Text from elsewhere without characters that XML has no place for."""
    return _CONTROLS.sub("\ufffd", text)


def forest(comparison: Comparison, variant: str) -> str:
    """All effects with their intervals, each in units of the smallest difference that matters."""
    found = [each for each in comparison.findings if each.variant == variant and each.effect is not None]
    with _figure(6.6, 0.34 * len(found) + 0.9) as (figure, axes):
        axes.axvspan(-1, 1, color=_GREY, alpha=0.2, lw=0)
        axes.axvline(0, color=_GREY, lw=0.8)
        for place, finding in enumerate(reversed(found)):
            _bar(axes, place, finding)
        axes.set_yticks(range(len(found)), [plain(each.metric.label) for each in reversed(found)])
        axes.set_xscale("symlog", linthresh=2)
        axes.set_xticks([-20, -5, -2, -1, 0, 1, 2, 5, 20], ["-20", "-5", "-2", "-1", "0", "1", "2", "5", "20"])
        axes.set_xlim(-_FARTHEST, _FARTHEST)
        axes.set_xlabel("difference, in units of the smallest that matters")
        return _svg(figure)


def _bar(axes: Axes, place: int, finding: Finding) -> None:
    effect, margin = finding.effect, finding.metric.margin
    interval = (effect.relative if margin.relative else effect.difference) if effect else Interval()
    if not math.isfinite(interval.value):
        return
    colour = _VERDICTS.get(finding.verdict, _GREY)
    ends = [max(-_FARTHEST, min(_FARTHEST, each / margin.size)) for each in (interval.low, interval.high)]
    axes.plot(ends, [place, place], color=colour, lw=2.5, solid_capstyle="round")
    axes.plot([interval.value / margin.size], [place], "o", color=colour, ms=5)


def distribution(traffic: Traffic, metric: Metric) -> str:
    """The metric's values in each variant: a histogram, of times on a logarithmic scale, or the share of a rate."""
    samples = {name: traffic.sample(metric.name, name).values for name in traffic.variants}
    with _figure(3.3, 2.1) as (figure, axes):
        if metric.kind == "rate":
            shares = [float(values.mean()) * 100 if values.size else 0.0 for values in samples.values()]
            places = range(len(shares))
            axes.barh(places, shares, color=[_colour(place) for place in places])
            axes.set_yticks(places, [plain(name) for name in samples])
            axes.set_xlabel("% of requests")
        else:
            _histograms(axes, metric, list(samples.values()))
            axes.set_xlabel(metric.unit or plain(metric.label))
            axes.set_yticks([])
        return _svg(figure)


def _histograms(axes: Axes, metric: Metric, samples: Sequence[Any]) -> None:
    everything = np.concatenate(samples)
    is_time = metric.kind == "time" and bool((everything > 0).any())
    if is_time:
        everything = everything[everything > 0]
        _logarithmic(axes)
    else:
        axes.locator_params(axis="x", nbins=4)
    low, high = np.quantile(everything, [0.001, 0.999])
    if not low < high:
        low, high = low * 0.9 - 0.1 * (not is_time), high * 1.1 + 0.1
    edges = np.geomspace(low, high, 41) if is_time else np.linspace(low, high, 41)
    for place, values in enumerate(samples):
        heights = np.histogram(np.clip(values, low, high), edges)[0] / max(1, values.size)
        axes.stairs(heights, edges, color=_colour(place), lw=1.5, ls=_line(place))


def _logarithmic(axes: Axes) -> None:
    """With plain numbers: powers of ten are written as formulas otherwise."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def course(metric: Metric, looks: Mapping[str, Sequence[Look]], variants: Sequence[str]) -> str:
    """Each variant's interval over time, in UTC, with what does not matter shaded; `variants` order the colours."""
    scale, margin = (100.0 if metric.margin.relative or metric.kind == "rate" else 1.0), metric.margin.size
    with _figure(3.3, 2.1) as (figure, axes):
        axes.axhspan(-margin * scale, margin * scale, color=_GREY, alpha=0.2, lw=0)
        axes.axhline(0, color=_GREY, lw=0.8)
        widest = 3 * margin * scale
        for name, taken in looks.items():
            ends = _band(axes, variants.index(name), scale, taken)
            widest = max([widest, *(1.2 * abs(end) for end in ends)])
        axes.set_ylim(-widest, widest)
        axes.set_ylabel("%" if metric.margin.relative else "points" if metric.kind == "rate" else metric.unit)
        return _svg(figure)


def _band(axes: Axes, variant: int, scale: float, looks: Sequence[Look]) -> list[float]:
    """Draw it, and return where it ends."""
    from matplotlib import dates

    timing: Any = dates  # which has no types
    known = [each for each in looks if math.isfinite(each.interval.value)]
    if not known:
        return []
    times = [float(timing.date2num(datetime.fromtimestamp(each.time, UTC))) for each in known]
    low, high = ([scale * end for end in ends] for ends in zip(*map(_ends, known), strict=True))
    axes.fill_between(times, low, high, color=_colour(variant), alpha=0.25, lw=0)
    values = [scale * each.interval.value for each in known]
    axes.plot(times, values, color=_colour(variant), ls=_line(variant), lw=1.5)
    locator = timing.AutoDateLocator(minticks=2, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(timing.ConciseDateFormatter(locator))
    last = known[-1].interval
    return [scale * end for end in (last.low, last.high) if math.isfinite(end)]


def _ends(look: Look) -> tuple[float, float]:
    return max(look.interval.low, -1e6), min(look.interval.high, 1e6)


def legend(variants: Sequence[str]) -> list[tuple[str, str, str]]:
    """Name, colour and kind of line of each variant."""
    return [(name, _colour(place), _line(place)) for place, name in enumerate(variants)]


def _line(place: int) -> str:
    return _LINES[place % len(_LINES)]


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure in inches, in our style, whatever the user's own settings say."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Made

    style: Any = {**mpl.rcParamsDefault, **_STYLE, "backend": mpl.rcParams["backend"]}
    with mpl.rc_context(style):
        figure = Made(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def _svg(figure: Figure) -> str:
    """The picture, with no name that another one on the same page has."""
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    drawn = written.getvalue().replace(_INK, "currentColor")
    drawn = drawn[drawn.index("<svg") :]
    own, meant = hashlib.sha256(drawn.encode()).hexdigest()[:8], set(_REFERENCE.findall(drawn))
    drawn = _NAME.sub(lambda found: f' id="{own}-{found[1]}"' if found[1] in meant else "", drawn)
    return _REFERENCE.sub(f"#{own}-\\1", drawn)
