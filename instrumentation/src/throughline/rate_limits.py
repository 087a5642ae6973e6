"""How much of a provider's rate limits is used up, as an answer's HTTP headers tell. Knows neither client nor provider.

Read are, in any case, with `limit` or `remaining` among their words:
- `x-ratelimit-…-requests`, `…-tokens` of OpenAI and its likes, also by `-minute` or `-day`; Azure sends some without
  limits; `x-ratelimit-…-req-minute` of Mistral; without either word it is one of requests
- `anthropic-ratelimit-requests-…`, `-tokens-…`, `-input-tokens-…`, `-output-tokens-…`
- `ratelimitbysize-…` of Mistral and `x-tokenlimit-…` of Together, which count tokens
- `x-trial-endpoint-call-…` of Cohere
Of several limits of requests or of tokens the fullest is recorded. Any other header, and a value that is no count, is
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from throughline.operation import Operation

_NAME = re.compile(
    r"(?:llm_provider-)?(?:x-)?(?:anthropic-)?(?:(?P<sized>ratelimitbysize|tokenlimit)|ratelimit|trial-endpoint-call)-(?P<words>.+)"
)
_COUNTED = {"requests": "requests", "req": "requests", "tokens": "tokens"}
_OF_WHICH = frozenset({"input", "output", "prompt", "generated", "second", "minute", "hour", "day", "month"})
_DEEPEST = 4  # clients wrap what others raised
_MOST = 2.0**63  # what is larger fits no store


class _Meaning(NamedTuple):
    """What one header tells of."""

    counted: str
    """`requests` or `tokens`."""
    which: str
    """Which limit of these, where a provider has several."""
    remaining: bool


@lru_cache(maxsize=512)
def _meaning(header: str | bytes) -> _Meaning | None:
    """Asked for every header of every answer, whose names are always the same."""
    name = header.decode("latin-1") if isinstance(header, bytes) else header
    found = _NAME.fullmatch(name.lower())
    if found is None:
        return None
    words = found["words"].split("-")
    told = [word for word in words if word in ("limit", "remaining")]
    kinds = [_COUNTED[word] for word in words if word in _COUNTED]
    which = [word for word in words if word in _OF_WHICH]
    if len(told) != 1 or len(kinds) > 1 or len(told) + len(kinds) + len(which) != len(words):
        return None
    default = "tokens" if found["sized"] else "requests"
    return _Meaning(kinds[0] if kinds else default, "-".join([found["sized"] or "", *which]), told[0] == "remaining")


class _Limit(NamedTuple):
    limit: int | None
    remaining: int | None

    @property
    def saturation(self) -> float | None:
        """The share that is used up, from 0 to 1; None where that cannot be told."""
        if self.remaining is None or self.limit == 0:  # 0 is also what servers say that have no limit
            return None
        if self.limit is None:
            return 1.0 if self.remaining == 0 else None
        return max(0.0, 1 - self.remaining / self.limit)


def note(op: Operation, headers: Any) -> bool:
    """Write what these headers tell on `op`: the last answer's counts, and the highest share that any of them told.

    Headers of `httpx`, or any mapping of texts; whether they told something. Never raises for what may stand in them.
    """
    told: dict[tuple[str, str], dict[bool, int]] = {}
    for name, value in _pairs(headers):
        meaning = _meaning(name)
        if meaning is not None and (count := _count(value)) is not None:
            told.setdefault((meaning.counted, meaning.which), {})[meaning.remaining] = count
    if told:
        limits = {key: _Limit(counts.get(False), counts.get(True)) for key, counts in told.items()}
        for kind in ("requests", "tokens"):
            _write(op, [limit for (counted, _), limit in limits.items() if counted == kind], kind)
    return bool(told)


def note_error(op: Operation, error: BaseException) -> None:
    """The same of the answer that an error stands for, wherever its client keeps that, itself or in the error below."""
    below: BaseException | None = error
    for _ in range(_DEEPEST):
        if below is None:
            return
        for source in (getattr(below, "response", None), getattr(below, "raw_response", None), below):
            if note(op, getattr(source, "headers", None)):
                return
        below = below.__cause__ or below.__context__


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    raw = getattr(headers, "raw", None)  # httpx decodes all of them in `items`, which takes ten times as long
    if isinstance(raw, list):
        return raw
    pairs: Iterable[tuple[Any, Any]] = headers.items() if hasattr(headers, "items") else ()
    return pairs


def _count(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if 0 <= number < _MOST else None


def _write(op: Operation, limits: list[_Limit], counted: str) -> None:
    if not limits:
        return
    fullest = max(limits, key=lambda limit: -1.0 if limit.saturation is None else limit.saturation)
    setattr(op, f"{counted}_limit", fullest.limit)
    setattr(op, f"{counted}_remaining", fullest.remaining)
    if (share := fullest.saturation) is not None:
        op.limit_saturation = max(share, op.limit_saturation or 0.0)
