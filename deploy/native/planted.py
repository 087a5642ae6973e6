"""What the demo plants among its traffic, and how each is found again; it sends nothing and asks no store.

- A better wording: people like answers in numbered steps, whichever variant of the prompt gave them. Most rate what
  they got, each by a mood of his own. `throughline compare` has to find the variant that writes steps better, and the
  difference that was planted inside of its interval.
- A slow cause: one model takes several times as long to begin. `throughline why`, asked of the slowest streamed answer,
  has to name the wait in the model's call and that model, and no other cause in its place or beside it.
- A person who asks to be forgotten, and is; what an old service says in the clear, and only the Collector masks; a
  question without any passage; limits that are reached, and a server that fails until the client gives up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final, Literal

from throughline import names

from native.check import Check

PROMPT: Final = "help-desk"
BETTER: Final = "stepwise"
RATING: Final = "score:user_rating"
RATED: Final = 0.75
"""Share of the answers that are rated."""
LIKES_STEPS, LIKES_PROSE = 0.92, 0.45
"""How likely somebody who rates an answer likes it."""
SLOW_MODEL: Final = "sim-large"
SLOW_BY: Final = 12.0
"""So many times as long as usual until that model begins."""
INTER_CHUNK: Final = 0.006
"""Seconds between the chunks of a model of usual speed: half of what the simulator takes, so that waits stand out."""
LEAVER: Final = "member-leaving"
LEAVER_ASKS: Final = 3
REASON: Final = "request 17 of November"
UNANSWERABLE: Final = "Astrology?"
REFUSALS: Final = ("500", "429")
"""What the model's server says to the last questions, as often as its client asks."""
REFUSED_OF_EACH: Final = 2
PRICES: Final = Path(__file__).with_name("prices.json")
"""Of the simulated models, which no list knows."""
_STEPS: Final = re.compile(r"^\d+\. ", re.MULTILINE)


def chance_of_liking(answer: str) -> float:
    """How likely the answer is liked: by its form alone."""
    return LIKES_STEPS if _STEPS.search(answer) else LIKES_PROSE


def thumb(answer: str, mood: float) -> Literal["up", "down"]:
    """What somebody in this mood, from 0 (good) to 1, thinks of the answer."""
    return "up" if mood < chance_of_liking(answer) else "down"


def planted_difference(rated: Sequence[tuple[str, str]]) -> float:
    """By how much the better variant's answers are likelier liked, given each rated answer's variant and text.

    Less than between steps and prose: what finds no passage, or is a claim's state, is prose in every variant.
    """
    better = [chance_of_liking(answer) for variant, answer in rated if variant == BETTER]
    others = [chance_of_liking(answer) for variant, answer in rated if variant != BETTER]
    return fmean(better) - fmean(others) if better and others else float("nan")


def better_wording(compared: Sequence[Mapping[str, Any]], planted: float) -> Check:
    """Whether a comparison (`throughline compare --json`) found the better wording, and how much better it is."""
    claim = "the better wording is found"
    found = next((each for each in compared if (each["metric"], each["variant"]) == (RATING, BETTER)), None)
    if found is None or "effect" not in found:
        return Check(claim, holds=False, found="no comparison of ratings")
    effect, p_value = found["effect"], found["p_adjusted"]
    ends = [float("nan") if effect[end] is None else effect[end] for end in ("value", "low", "high")]
    told = "rating {:+.2f} [{:+.2f}, {:+.2f}]".format(*ends)
    chance = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    holds = found["verdict"] == "better" and ends[1] <= planted <= ends[2]
    return Check(claim, holds, f"{BETTER} is {found['verdict']}: {told}, {chance}; planted {planted:+.2f}")


def slow_cause(explained: Mapping[str, Any]) -> Check:
    """Whether an explanation (`throughline why --json`) names the planted cause, alone, and where its time went.

    What else it says besides, of slowness that is left, is told: a reasoning model takes its time, too.
    """
    first, steps, inside = explained.get("first"), explained.get("steps") or [], explained.get("inside") or []
    named = (first["step"], first["attribute"], first["value"]) if first else ()
    where = (steps[0]["step"], inside[0]["part"]) if steps and inside else ()
    holds = (
        explained.get("verdict") == "slow"
        and where == ("chat", "waiting")
        and named == ("chat", names.REQUEST_MODEL, SLOW_MODEL)
        and not (explained.get("together") or {}).get("needs_both")
    )
    if not first:
        return Check("the slow cause is named", holds, str(explained.get("summary") or "nothing is explained"))
    rates = "slow in {:.0%} of its {} requests, {:.0%} elsewhere".format(
        _share(first["with"]), first["with"]["of"], _share(first["without"])
    )
    also = f"; besides {explained['second']['words']}" if explained.get("second") else ""
    return Check("the slow cause is named", holds, f"{', '.join(where)}; {first['words']}, {rates}{also}")


def _share(rate: Mapping[str, int]) -> float:
    return rate["count"] / rate["of"] if rate["of"] else 0.0
