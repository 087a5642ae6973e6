"""What a model call costs, by the shipped price list or the owner's own; neither fetches prices nor records anything.

Each token is priced once, by its own part. The rules are genai-prices', whose list it is: a part without a price of its
own costs what its whole costs (input from or for the cache the input's, reasoning the output's); output without a price
is free; the size of the whole input chooses one price for all tokens. Tokens are taken for text, cache writes for those
of the shortest life. Left out are a provider's own tools and the special prices of batches, service tiers and regions.

The owner's list is a JSON file, and where it has a fitting entry, that wins over the shipped list:

    {"version": "2027-01", "currency": "EUR", "prices": [
        {"provider": "openai", "model": "my-model*", "input": 1.0, "output": 2.0, "cache_read": 0.1}]}

Prices are per million tokens; `cache_read`, `cache_creation` and `reasoning` are optional, and so is `request`, the fee
for one. `provider` is the conventions' name. `*` is any text, case does not matter; the first fitting entry counts, at
whatever address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from throughline import names

_PROVIDERS = {
    "aws.bedrock": "aws", "azure.ai.inference": "azure", "azure.ai.openai": "azure", "gcp.gemini": "google",
    "gcp.gen_ai": "google", "gcp.vertex_ai": "google", "mistral_ai": "mistral", "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}  # fmt: skip
"""The conventions' name → the list's; any other name is the same in both."""
_KEYS = ("input", "output", "cache_read", "cache_creation", "reasoning", "request")
_PARTS = (
    names.COST_INPUT, names.COST_OUTPUT, names.COST_CACHE_READ, names.COST_CACHE_CREATION, names.COST_REASONING,
    names.COST_REQUEST,
)  # fmt: skip
"""The keys' attributes, in the order of a row of prices."""
_MOST_FOUND = 1024  # models that one process calls; each found once
_LONGEST = 512  # no model's name is as long, and matching takes time by length
_DAY, _HIGHEST = 86400, 1e9  # seconds; a price above is a mistake
_COMPACT_DATE = re.compile(r"-(20\d\d)(\d\d)(\d\d)(?=-|:|$)")

Row: TypeAlias = Sequence[float | None]
"""Prices in the order of `_PARTS`, per million tokens and for one request; None or left out where the list has none."""
Matcher: TypeAlias = Callable[[str], object]


class Cost(NamedTuple):
    """What one call costs; the parts, by attribute name, make up the amount, and what costs nothing is none of them."""

    amount: float
    currency: str
    price_version: str
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Case:
    """Prices for one token of each part and for one request, and when they hold."""

    prices: tuple[float, ...]
    above: int = -1  # holds for more input tokens than this
    since: float = 0.0  # Unix time
    daily: tuple[int, int] | None = None  # from, to: seconds of the day in UTC, perhaps over midnight

    def holds(self, input_tokens: int, at: float) -> bool:
        if input_tokens <= self.above or at < self.since:
            return False
        if self.daily is None:
            return True
        start, end = self.daily
        return (at - start) % _DAY < (end - start) % _DAY


@dataclass(frozen=True, slots=True)
class _Offer:
    """What one model costs; the first case that holds counts, and the last one always holds."""

    currency: str
    version: str
    cases: tuple[_Case, ...]

    def prices(self, input_tokens: int, at: float) -> tuple[float, ...]:
        if len(self.cases) == 1:  # most models cost the same whatever the size and time
            return self.cases[0].prices
        return next(case.prices for case in self.cases if case.holds(input_tokens, at))

    def cost(self, counts: tuple[int, ...], prices: tuple[float, ...]) -> Cost:
        charged = zip(_PARTS, counts, prices, strict=True)
        parts = {name: spent for name, count, price in charged if (spent := count * price)}
        return Cost(sum(parts.values(), 0.0), self.currency, self.version, parts)


class Prices:
    """The owner's list, if any, before the shipped one."""

    def __init__(self, own: _OwnList | None = None) -> None:
        self._own = own
        self._offer = lru_cache(_MOST_FOUND)(self._find)

    @classmethod
    def load(cls, override: Path | None) -> Prices:
        """With the owner's list, if any; ValueError says what is wrong in it. The shipped one is read when needed."""
        return cls(None if override is None else _OwnList.read(override))

    def cost(
        self,
        provider: str | None,
        model: str | None,
        *,
        input_tokens: int | None,
        output_tokens: int | None,
        cache_read_tokens: int | None,
        cache_creation_tokens: int | None,
        reasoning_tokens: int | None,
        at: float,
        address: str | None,
    ) -> Cost | None:
        """None, never a guess, where model, provider or a count that matters is unknown or counts contradict."""
        if not provider or not model or len(model) > _LONGEST or input_tokens is None:
            return None
        read, created, reasoning = cache_read_tokens or 0, cache_creation_tokens or 0, reasoning_tokens or 0
        counts = (input_tokens - read - created, (output_tokens or 0) - reasoning, read, created, reasoning, 1)
        if min(counts) < 0 or (offer := self._offer(provider, address, model)) is None:
            return None
        prices = offer.prices(input_tokens, at)
        return None if output_tokens is None and prices[1] else offer.cost(counts, prices)

    def _find(self, provider: str, address: str | None, model: str) -> _Offer | None:
        provider, model = provider.lower(), model.lower()
        own = None if self._own is None else self._own.offer(provider, model)
        return own or _shipped().offer(provider, address and address.lower(), model)


class _ShippedList:
    """`prices.json`: what genai-prices knows, as `registry/prices.py` wrote it."""

    def __init__(self, content: Any) -> None:
        self._currency, self._version = content["currency"], content["version"]
        self._providers: dict[str, Any] = content["providers"]
        self._rules = cache(self._compiled)

    def offer(self, provider: str, address: str | None, model: str) -> _Offer | None:
        known = self._seller(_PROVIDERS.get(provider, provider), address)
        if known not in self._providers:
            return None
        price = self._price(known, model)
        if price is None and (dashed := with_dashes(model)) != model:
            price = self._price(known, dashed)
        return _Offer(self._currency, self._version, _cases(price)) if price else None

    def _seller(self, named: str, address: str | None) -> str | None:
        """Whoever stands at the address; OpenAI's name is no proof, as clients of OpenAI speak to anybody's server."""
        if address is None or self._stands(named, address):
            return named
        if (found := next((each for each in self._providers if self._stands(each, address)), None)) is not None:
            return found
        return None if named == "openai" and not address.endswith(".openai.com") else named

    def _stands(self, provider: str, address: str) -> bool:
        """Whether the provider's pattern takes in the whole host; one that ends in a dot leaves its last label open."""
        if provider not in self._providers:
            return False
        found = re.match(self._providers[provider]["api"], f"https://{address}")
        return found is not None and (found.group().endswith(".") or found.end() == len(found.string))

    def _price(self, provider: str, model: str) -> Any:
        """The model's price at the provider or the ones whose models it sells; [] where it is known to be unknown."""
        for seller in (provider, *self._providers[provider].get("fallback", ())):
            for matches, price in self._rules(seller):
                if matches(model):
                    return price
        return None

    def _compiled(self, provider: str) -> list[tuple[Matcher, Any]]:
        models = self._providers[provider]["models"]
        return [(matcher(rule), price) for rules, price in models.items() for rule in rules.split()]


@cache
def _shipped() -> _ShippedList:
    return _ShippedList(json.loads(Path(__file__).with_name("prices.json").read_bytes()))


def _cases(price: Any) -> tuple[_Case, ...]:
    """A price of the shipped list: a row, or several with what `_Case` says of each."""
    return tuple(_Case(_each(row), *when) for row, *when in (price if isinstance(price[0], list) else [[price]]))


def _each(row: Row) -> tuple[float, ...]:
    """Prices for one token of each part, what the row leaves out taken from the whole, and for one request."""
    padded: list[float | None] = [*row, *[None] * (len(_PARTS) - len(row))]
    whole, answer = padded[0] or 0.0, padded[1] or 0.0
    wholes = (whole, answer, whole, whole, answer)
    tokens = (other if own is None else own for own, other in zip(padded, wholes, strict=False))
    return (*(price / 1e6 for price in tokens), padded[-1] or 0.0)


def with_dashes(model: str) -> str:
    """`gpt-5-20270131` as `gpt-5-2027-01-31`, the way that most lists write what some routers write short."""

    def dashed(found: re.Match[str]) -> str:
        try:
            return f"-{date(*map(int, found.groups())).isoformat()}"
        except ValueError:  # digits that are no date
            return found.group()

    return _COMPACT_DATE.sub(dashed, model)


def matcher(rule: str) -> Matcher:
    """A rule of the shipped list: `&` joins what must all hold, `^` begins a regular expression, `*` is any text."""
    if "&" in rule:
        every = [matcher(each) for each in rule.split("&")]
        return lambda name: all(matches(name) for matches in every)
    return re.compile(rule).search if rule.startswith("^") else _pattern(rule)


def _pattern(pattern: str) -> Matcher:
    """Whether a name is the pattern, in which `*` is any text; in linear time, unlike a regular expression."""
    first, *inner = pattern.split("*")
    if not inner:
        return pattern.__eq__
    last = inner.pop()

    def matches(name: str) -> bool:
        place, end = len(first), len(name) - len(last)
        if place > end or not name.startswith(first) or not name.endswith(last):
            return False
        for text in inner:
            if (place := name.find(text, place, end)) < 0:
                return False
            place += len(text)
        return True

    return matches


class _OwnList:
    """The owner's file, as the module's docstring has it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._entries = [
            (
                _pattern(entry["provider"].lower()),
                _pattern(entry["model"].lower()),
                _Offer(content["currency"], content["version"], _cases([entry.get(key) for key in _KEYS])),
            )
            for entry in content["prices"]
        ]

    @classmethod
    def read(cls, path: Path) -> _OwnList:
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read as JSON: {error}") from error
        if problem := next(_problems(content), None):
            raise ValueError(f"{path}: {problem}")
        return cls(content)

    def offer(self, provider: str, model: str) -> _Offer | None:
        return next((offer for sold_by, called, offer in self._entries if sold_by(provider) and called(model)), None)


def _problems(content: Any) -> Iterator[str]:
    """What is wrong in the owner's file, and what is expected there."""
    if not isinstance(content, dict) or set(content) != {"version", "currency", "prices"}:
        yield 'expected {"version": ..., "currency": ..., "prices": [...]} and nothing else'
        return
    version, currency, entries = content["version"], content["currency"], content["prices"]
    if not isinstance(version, str) or not version:
        yield f'"version" must be a text that names this list; it is {version!r}'
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        yield f'"currency" must be an ISO 4217 code such as "EUR"; it is {currency!r}'
    if not isinstance(entries, list):
        yield f'"prices" must be a list of entries; it is {entries!r}'
        return
    for index, entry in enumerate(entries):
        yield from (f"prices[{index}]: {problem}" for problem in _entry_problems(entry))


def _entry_problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f'expected {{"provider": ..., "model": ..., "input": ..., "output": ...}}; it is {entry!r}'
        return
    if unknown := sorted(set(entry) - {"provider", "model", *_KEYS}):
        yield f'"{unknown[0]}" is unknown; an entry may have provider, model, {", ".join(_KEYS)}'
    for key in ("provider", "model"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            yield f'"{key}" must be a name, in which * is any text; it is {entry.get(key)!r}'
    for key in _KEYS:
        price = entry.get(key, None if key in _KEYS[:2] else 0)
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0 <= price <= _HIGHEST:
            what = "one request" if key == "request" else "a million tokens"
            yield f'"{key}" must be the price of {what}, a number from 0 to {_HIGHEST:.0f}; it is {price!r}'
