"""Why a request failed or was slow, in sentences; computes nothing and lays nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from throughline.cli.wording import duration, printable
from throughline.explaining.attributes import LEAST_PEERS
from throughline.explaining.contrast import Contrast, Rate
from throughline.explaining.explanation import Explanation
from throughline.explaining.outcome import Duration

_LEAST_P: Final = 1e-9
_LEAST_SECONDS: Final = 5e-4
_MOST_OF_IT: Final = 0.5


def summary(found: Explanation) -> str:
    """All of it in a few sentences, what happened first."""
    return printable(" ".join([_happened(found), *_went(found), *_apart(found)]))


def _happened(found: Explanation) -> str:
    what, peers = found.outcome, len(found.outcome.compared)
    if what.failure is not None:
        alike = f"so did {share(Rate(what.alike, peers))} of {peers:,} peers"
        said = f"Failed in {what.failure.step} with {what.failure.error}; {alike if what.alike else 'no peer did'}."
        return f"{said} {_slow(what.duration)}".strip()
    if what.duration is None:
        took = f"Took {duration(found.request.seconds)}, and did not fail"
        return f"{took}; no peer that succeeded is there to compare it with."
    if what.verdict == "slow":
        return _slow(what.duration, peers)
    rank = f"the {ordinal(what.duration.percentile)} percentile of {peers:,} peers"
    return f"Not slow: {duration(what.duration.seconds)}, at {rank}; and it did not fail."


def _slow(took: Duration | None, peers: int | None = None) -> str:
    """Of a failed request nothing, unless it was slow too."""
    if took is None or not took.is_slow:
        return ""
    of = f"{peers:,} peers" if peers is not None else "the peers that did not fail"
    return f"Slow: {duration(took.seconds)}, slower than {_percent(took.percentile)} of {of}."


def _went(found: Explanation) -> Iterator[str]:
    """Which step took the time."""
    took = found.outcome.duration
    if took is None or not took.is_slow or found.excess <= 0 or not found.steps:
        return
    first, *rest = found.steps
    where = f"{first.step} ({plus(first.excess)}"
    if rest and first.excess < _MOST_OF_IT * found.excess:
        where += f") and {rest[0].step} ({plus(rest[0].excess)}"
    inside = next((each for each in found.inside if each.excess > 0), None)
    calls = inside is not None and any(step.calls_a_model and step.kind == first.step for step in found.request.steps)
    why = f": {inside.part} ({inside.told})" if calls and inside else ""
    yield f"The time went into {where} of {plus(found.excess)}){why}."


def _apart(found: Explanation) -> Iterator[str]:
    what, peers = found.outcome, len(found.outcome.compared)
    if what.verdict == "ordinary":
        return
    if peers < LEAST_PEERS:
        yield f"Too few peers to tell why ({peers}; about {LEAST_PEERS} are needed)."
    elif not what.can_tell:
        yield f"{_alike(what.alike)} of {peers:,} peers fared alike: too few, or too many, to tell what they share."
    elif found.first is None:
        looked = f"{len(found.judged)} values that it has"
        yield f"Nothing sets it apart: of {looked} none goes with {_bad(found)} requests beyond chance."
    else:
        yield from _causes(found, found.first)


def _causes(found: Explanation, first: Contrast) -> Iterator[str]:
    bad, both = _bad(found), found.together
    if found.second and both and both.needs_both:
        words = f"{first.candidate.words} together with {found.second.candidate.words}"
        chance = p(max(first.adjusted, found.second.adjusted))
        yield f"What sets it apart: {words}, {_rates(bad, both.both, both.others)} ({chance})."
    else:
        yield f"What sets it apart: {_cause(bad, first)}."
        if found.second:
            yield f"Besides: {_cause(bad, found.second)}."
    if found.behind:
        link = found.behind
        had = f"{share(link.having)} of its requests against {share(link.lacking)} elsewhere"
        yield f"That goes with {link.candidate.words}: {had} ({p(link.adjusted)})."
    if found.outcome.duration and found.outcome.duration.is_limit_lowered and found.outcome.verdict == "slow":
        yield "Fewer than ten peers were as slow as it, so that it stands among the ten slowest."


def _cause(bad: str, cause: Contrast) -> str:
    return f"{cause.candidate.words}, {_rates(bad, cause.having, cause.lacking)} ({p(cause.adjusted)})"


def _rates(bad: str, having: Rate, lacking: Rate) -> str:
    return f"{bad} in {share(having)} of its {having.of:,} requests against {share(lacking)} elsewhere"


def _bad(found: Explanation) -> str:
    return "slow" if found.outcome.verdict == "slow" else "failed"


def _alike(count: int) -> str:
    return "None" if count == 0 else f"Only {count:,}" if count < LEAST_PEERS else f"{count:,}"


def share(rate: Rate) -> str:
    """`87 %`."""
    return _percent(100 * rate.share)


def _percent(value: float) -> str:
    """Digits where they tell: near none and near all."""
    return f"{value:.1f} %" if 0 < value < 10 or 90 < value < 100 else f"{value:.0f} %"


def plus(seconds: float) -> str:
    """`+7.9 s`."""
    return f"{'-' if seconds < 0 else '+'}{duration(abs(seconds))}" if abs(seconds) >= _LEAST_SECONDS else "0 s"


def p(value: float) -> str:
    """The adjusted p-value."""
    return "p < 1e-9" if value < _LEAST_P else f"p = {value:.2g}"


def ordinal(value: float) -> str:
    """`43rd`."""
    whole = round(value)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th") if whole % 100 not in (11, 12, 13) else "th"
    return f"{whole}{ending}"
