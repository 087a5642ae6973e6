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
    r"(?:llm_provider-)?(?:x-)?(?:anthropic-)?"
    r"(?:(?P<sized>ratelimitbysize|tokenlimit)|ratelimit|trial-endpoint-call)-(?P<words>.+)"
)
_COUNTED = {"requests": "requests", "req": "requests", "tokens": "tokens"}
_OF_WHICH = frozenset({"input", "output", "prompt", "generated", "second", "minute", "hour", "day", "month"})
_FIELDS = {kind: (f"{kind}_limit", f"{kind}_remaining") for kind in ("requests", "tokens")}
_UNTOLD = -1.0
_DEEPEST = 4  # clients wrap what others raised
_MOST = 2.0**63  # what is larger fits no store


class _Meaning(NamedTuple):
    """What one header tells of."""

    kind: str
    """`requests` or `tokens`."""
    which: str
    """Which limit of these, where a provider has several."""
    remaining: bool


@lru_cache(maxsize=512)
def _meaning(header: str | bytes) -> _Meaning | None:
    """Asked for the headers of every answer, whose names are always the same."""
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


def note(op: Operation, headers: Any) -> bool:
    """Write what these headers tell on `op`: the last answer's counts, and the highest share that any of them told.

    Headers of `httpx`, or any mapping of texts; whether they told something. Never raises for what may stand in them.
    """
    limits: dict[tuple[str, str], list[int | None]] = {}
    for name, value in _of_limits(headers):
        if (meaning := _meaning(name)) is not None and (count := _count(value)) is not None:
            limits.setdefault(meaning[:2], [None, None])[meaning.remaining] = count
    fullest: dict[str, float] = {}
    for (kind, _), (limit, remaining) in limits.items():
        share = _saturation(limit, remaining)
        if share > fullest.get(kind, _UNTOLD - 1):
            fullest[kind] = share
            op.__dict__.update(zip(_FIELDS[kind], (limit, remaining), strict=True))
    highest = max(fullest.values(), default=_UNTOLD)
    if highest > _UNTOLD:
        op.limit_saturation = max(highest, op.limit_saturation or 0.0)
    return bool(limits)


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


def _of_limits(headers: Any) -> Iterable[tuple[Any, Any]]:
    """These headers; nothing, at once, where none of them can be about limits, as in most answers."""
    raw = getattr(headers, "raw", None)  # httpx decodes all of them in `items`, which takes ten times as long
    if isinstance(raw, list):
        return raw if [name for name, _ in raw if b"imit" in name] else ()  # in both cases
    pairs: Iterable[tuple[Any, Any]] = headers.items() if hasattr(headers, "items") else ()
    return pairs


def _count(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if 0 <= number < _MOST else None


def _saturation(limit: int | None, remaining: int | None) -> float:
    """The share that is used up, from 0 to 1; `_UNTOLD` where that cannot be told."""
    if remaining is None or limit == 0:  # 0 is also what servers say that have no limit
        return _UNTOLD
    if limit is None:
        return 1.0 if remaining == 0 else _UNTOLD
    return max(0.0, 1 - remaining / limit)
