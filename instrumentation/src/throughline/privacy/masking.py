"""The Masker: replaces what detectors and the user's rules find in texts and JSON-like values; it detects nothing."""

import hashlib
import hmac
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from throughline.privacy import documents
from throughline.privacy.account_numbers import is_my_number, is_payment_card, load_iban_registry
from throughline.privacy.detection import detect
from throughline.privacy.findings import BUILT_IN_KINDS, MY_NUMBER, PAYMENT_CARD, Finding
from throughline.privacy.phone_plans import DEFAULT_REGIONS, NationalPlans
from throughline.privacy.rules import MaskingConfigurationError, Rule, read_rules

RULES = "THROUGHLINE_MASK_RULES"
MODE = "THROUGHLINE_MASK_MODE"
KEY = "THROUGHLINE_MASK_KEY"
KEY_FILE = "THROUGHLINE_MASK_KEY_FILE"
DISABLE = "THROUGHLINE_MASK_DISABLE"
REGIONS = "THROUGHLINE_MASK_PHONE_REGIONS"

_SHORTEST_KEY = 16
_TOKEN_LENGTH = 10
_DEEPEST, _TOO_DEEP = 100, "too_deep"
_NUMBER_KINDS = ((PAYMENT_CARD, is_payment_card), (MY_NUMBER, is_my_number))

# A remembered verdict must belong to this text and no other: only a keyed 64-bit hash is trusted for that.
_REMEMBERS = sys.hash_info.width == 64 and sys.hash_info.algorithm.startswith("siphash")
_MOST_REMEMBERED = 8_192

_TELLING_KEY = re.compile(
    "key|token|secret|tel|phone|mobile|cell|fax|whatsapp|handy|m\u00f3vil|\u96fb\u8a71|\u643a\u5e2f", re.IGNORECASE
)


Hashes = dict[int, int]
"""Hash of a text → its length."""


@dataclass(frozen=True, slots=True)
class Masker:
    """Replaces personal data and credentials by `[kind]`, or in pseudonym mode by `[kind:token]`.

    Threads may share one. `text` and `value` never change what they are given. Masking twice is masking once, except
    where two values stand glued together and only the first one's placeholder lets the second be told apart.
    """

    key: bytes | None = field(default=None, repr=False)
    """With a key the tokens are pseudonyms: HMAC-SHA256 of the value, so the same value has the same token."""
    disabled: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    plans: NationalPlans = field(default_factory=NationalPlans, repr=False, compare=False)
    _clean: Hashes = field(default_factory=dict, init=False, repr=False, compare=False)
    _plain_keys: Hashes = field(default_factory=dict, init=False, repr=False, compare=False)
    """Keys that are clean themselves and tell nothing of their values."""

    def __post_init__(self) -> None:
        load_iban_registry()
        kinds = {*BUILT_IN_KINDS, *(rule.kind for rule in self.rules)}
        if unknown := self.disabled - kinds:
            raise MaskingConfigurationError(f"{DISABLE}: no kind {_listing(unknown)}; kinds are {_listing(kinds)}")
        if self.key is not None and len(self.key) < _SHORTEST_KEY:
            raise MaskingConfigurationError(
                f"the masking key has {len(self.key)} bytes; it needs at least {_SHORTEST_KEY}"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The masker that the THROUGHLINE_MASK_* variables describe, or MaskingConfigurationError."""
        rules_path = environment.get(RULES, "").strip()
        try:
            plans = NationalPlans(_listed(environment.get(REGIONS, "").upper()) or DEFAULT_REGIONS)
        except ValueError as error:
            raise MaskingConfigurationError(f"{REGIONS}: {error}") from error
        return cls(
            key=_key(environment),
            disabled=frozenset(_listed(environment.get(DISABLE, "").lower())),
            rules=read_rules(Path(rules_path)) if rules_path else (),
            plans=plans,
        )

    from_settings = from_environment

    def text(self, text: str, counts: Counter[str] | None = None) -> str:
        """The text with every finding replaced; a JSON document stays one."""
        # Histories are sent again at each turn. Of a text that holds nothing to mask its hash is kept, no content.
        if self._clean.get(hash(text)) == len(text):
            return text
        masked = self._masked(text if text.isascii() else _encodable(text), counts)
        if masked is text:
            _remember(self._clean, text)
        return masked

    def value(self, value: Any, counts: Counter[str] | None = None) -> Any:
        """A JSON-like value with its strings, keys and card or My Number integers masked.

        A new structure of dicts and lists. An object of any other type becomes the text that an exporter makes of it:
        nobody has looked into it, and it may be full of what must not leave.
        """
        return self._value(value, counts, 0)

    def _value(self, value: Any, counts: Counter[str] | None, depth: int) -> Any:
        kind = type(value)  # what nearly every value is comes first: the checks by abstract class are slow
        if kind is str:
            return self.text(value, counts)
        if kind is dict or (kind is not list and isinstance(value, Mapping)):
            return self._mapping(value, counts, depth + 1)
        if isinstance(value, list | tuple):
            return self._sequence(value, counts, depth + 1)
        if isinstance(value, str):
            return self.text(value, counts)
        if isinstance(value, int | float):
            return self._number(value, counts)
        return None if value is None else self._object(value, counts, depth)

    def _object(self, value: Any, counts: Counter[str] | None, depth: int) -> Any:
        if isinstance(value, AbstractSet):
            return self._sequence(value, counts, depth + 1)
        return self.text(value.decode(errors="replace") if isinstance(value, bytes) else str(value), counts)

    def _sequence(self, sequence: Iterable[Any], counts: Counter[str] | None, depth: int) -> Any:
        if depth > _DEEPEST:
            return _cut_off(counts)
        return [self._value(item, counts, depth) for item in sequence]

    def _mapping(self, mapping: Mapping[Any, Any], counts: Counter[str] | None, depth: int) -> Any:
        if depth > _DEEPEST:
            return _cut_off(counts)
        masked: dict[Any, Any] = {}
        for key, value in mapping.items():
            if type(key) is str and self._plain_keys.get(hash(key)) == len(key):
                masked[key] = self._value(value, counts, depth)
                continue
            name = self._value(key, counts, depth) if isinstance(key, str | int) else key
            masked[name if name == key else _unused(name, masked)] = self._under(key, value, counts, depth)
        return masked

    def _under(self, key: Any, value: Any, counts: Counter[str] | None, depth: int) -> Any:
        """The value masked in the light of its key: a bare number under "phone", random characters under "api_key"."""
        if not isinstance(key, str):
            return self._value(value, counts, depth)
        if _TELLING_KEY.search(key) is None:
            if self.text(key) is key:
                _remember(self._plain_keys, key)
        elif isinstance(value, str | int):
            introduction, found = f"{key}: ", Counter[str]()
            masked = self._masked(f"{introduction}{value}", found)
            if found and masked.startswith(introduction):
                _count(counts, found)
                return masked.removeprefix(introduction)
        return self._value(value, counts, depth)

    def _number(self, number: float, counts: Counter[str] | None) -> Any:
        if not 1e11 <= number < 1e19 or number != int(number):
            return number
        digits = str(int(number))
        for kind, holds in _NUMBER_KINDS:
            if kind not in self.disabled and holds(digits):
                return self._replacement(Finding(0, len(digits), kind, digits), counts)
        return number

    def _masked(self, text: str, counts: Counter[str] | None) -> str:
        findings = detect(text, self.plans, self.disabled, self.rules)
        document = documents.parsed(text) if findings or "\\" in text else None
        if document is not None:
            found = Counter[str]()
            masked = self._value(document[0], found, 0)
            if found:
                _count(counts, found)
                return documents.dumped(masked, text)
        return self._replaced(text, findings, counts) if findings else text

    def _replaced(self, text: str, findings: list[Finding], counts: Counter[str] | None) -> str:
        parts: list[str] = []
        position = 0
        for finding in findings:
            parts += text[position : finding.start], self._replacement(finding, counts)
            position = finding.end
        return "".join((*parts, text[position:]))

    def _replacement(self, finding: Finding, counts: Counter[str] | None) -> str:
        if counts is not None:
            counts[finding.kind] += 1
        if self.key is None:
            return f"[{finding.kind}]"
        value = f"{finding.kind}\0{finding.normal}".encode("utf-8", "surrogatepass")
        return f"[{finding.kind}:{hmac.new(self.key, value, hashlib.sha256).hexdigest()[:_TOKEN_LENGTH]}]"


def _remember(hashes: Hashes, text: str) -> None:
    if len(hashes) >= _MOST_REMEMBERED:
        hashes.clear()
    if _REMEMBERS:
        hashes[hash(text)] = len(text)


def _encodable(text: str) -> str:
    """The text without halves of characters, for which an exporter would drop all of it; pairs of halves become one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _cut_off(counts: Counter[str] | None) -> str:
    """In place of a structure that nobody will look at: it must not leave unseen, nor uncounted."""
    if counts is not None:
        counts[_TOO_DEEP] += 1
    return f"[{_TOO_DEEP}]"


def _count(counts: Counter[str] | None, found: Counter[str]) -> None:
    if counts is not None:
        counts.update(found)


def _unused(name: str, masked: Mapping[Any, Any]) -> str:
    """Two masked keys of one mapping must not become one entry."""
    free, number = name, 2
    while free in masked:
        free, number = f"{name} ({number})", number + 1
    return free


def _listed(written: str) -> list[str]:
    return [part.strip() for part in written.split(",") if part.strip()]


def _listing(kinds: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(kinds))


def _key(environment: Mapping[str, str]) -> bytes | None:
    mode = environment.get(MODE, "").strip().lower() or "placeholder"
    if mode == "placeholder":
        return None
    if mode != "pseudonym":
        raise MaskingConfigurationError(f"{MODE} is {mode!r}; use placeholder or pseudonym")
    path = environment.get(KEY_FILE, "").strip()
    try:
        key = Path(path).read_bytes().strip() if path else environment.get(KEY, "").encode()
    except OSError as error:
        raise MaskingConfigurationError(f"{KEY_FILE} {path}: {error.strerror or error}") from error
    if not key:
        raise MaskingConfigurationError(
            f"{MODE}=pseudonym needs a key in {KEY_FILE} or {KEY}, e.g. of `openssl rand -hex 32`"
        )
    return key
