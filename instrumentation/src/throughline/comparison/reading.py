"""Reads the requests of a prompt's variants from records, which are never sampled, into columns; judges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from throughline import names
from throughline.comparison.metrics import METRICS
from throughline.comparison.sample import Codes, Numbers
from throughline.comparison.scoring import Requests, scores
from throughline.comparison.searching import Fields, Pages, Selection
from throughline.comparison.traffic import Traffic
from throughline.store.queries import RECORDS, TIME, attribute

_NOBODY: Final = [None]
_USER: Final = attribute(names.USER_ID)
_UNITS: Final = (_USER, attribute(names.SESSION_ID), attribute(names.CONVERSATION_ID))
_TOGETHER: Final = (*_UNITS[1:], "trace_id")
"""What a request that tells no user belongs to, the first that is known: units of an experiment, or calls of one."""
_VARIANT, _ERROR = attribute(names.PROMPT_VARIANT), attribute(names.ERROR_TYPE)
_RECORD, _CURRENCY = attribute(names.RECORD_ID), attribute(names.COST_CURRENCY)
_MEASURED: Final = {metric.name: attribute(metric.field) for metric in METRICS if metric.field}
_FIELDS: Final = (
    TIME, "span_id", _USER, *_TOGETHER, _VARIANT, _ERROR, _RECORD, _CURRENCY, *_MEASURED.values()
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """The requests, and what a reader of figures on them has to know."""

    traffic: Traffic
    without_user: int
    """Requests that tell no user."""
    redelivered: int
    """Records that were there more than once; one of each is counted."""
    other_currencies: int
    """Requests whose cost is left out, being in another currency than most."""
    currency: str
    calls: Mapping[str, float] = field(default_factory=dict)
    """Of each variant, how many of its requests a trace has on average."""
    scorers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By score, who gave it: scorers, else sources."""
    rated: Sequence[str] = ()
    """Scores that users gave."""


def read(client: Elasticsearch, selection: Selection, advance: Callable[[int], None] = lambda _: None) -> Read:
    """All selected requests in order of time; `advance` is told how many records were read."""
    columns = _Columns()
    with Pages(client, RECORDS) as pages:
        for page in pages.of(selection.query(), _FIELDS):
            columns.add(page)
            advance(len(page))
    return columns.read(client)


@dataclass(slots=True)
class _Columns:
    """Pages, each turned to arrays at once, so that a million requests take some hundred megabytes."""

    variants: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    currencies: Counter[str] = field(default_factory=Counter)
    unnamed: Iterator[int] = field(default_factory=count)
    without_user: int = 0
    parts: list[dict[str, NDArray[Any]]] = field(default_factory=list)

    def add(self, page: Fields) -> None:
        currencies = _words(page, _CURRENCY)
        self.currencies.update(filter(None, currencies))
        traces, spans, variants = (_words(page, name) for name in ("trace_id", "span_id", _VARIANT))
        part: dict[str, NDArray[Any]] = {
            "times": np.array([each[TIME][0] for each in page], np.float64) / 1000,
            "variant": np.array([self.variants.setdefault(each, len(self.variants)) for each in variants]),
            "users": np.array([self._user(each) for each in page], np.int64),
            "known": np.array([any(name in each for name in _UNITS) for each in page]),
            "currency": np.array([hash(each) for each in currencies], np.int64),
            "trace": np.array([each or "" for each in traces], "S32"),
            "place": np.array([hash((trace, span)) for trace, span in zip(traces, spans, strict=True)], np.int64),
            "record": np.array([self._identity(each) for each in page], np.int64),
            "errors": np.array([_ERROR in each for each in page], np.float64),
        }
        part |= {name: _numbers(page, stored) for name, stored in _MEASURED.items()}
        self.parts.append(part)

    def _user(self, fields: dict[str, list[Any]]) -> int:
        user = fields.get(_USER, _NOBODY)[0]
        if user is not None:
            return self.people.setdefault(f"user {user}", len(self.people))
        self.without_user += 1
        known = ((name, fields[name][0]) for name in _TOGETHER if name in fields)
        return self.people.setdefault(str(next(known, ("request", next(self.unnamed)))), len(self.people))

    def _identity(self, fields: dict[str, list[Any]]) -> int:
        return hash(fields[_RECORD][0]) if _RECORD in fields else next(self.unnamed)

    def read(self, client: Elasticsearch) -> Read:
        whole = (
            {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]} if self.parts else {}
        )
        self.parts.clear()
        if not whole:
            nothing = Traffic((), *_empty(), {})
            return Read(nothing, 0, 0, 0, "")
        order = np.argsort(whole["times"], kind="stable")
        _, first = np.unique(whole["record"][order], return_index=True)
        kept = order[np.sort(first)]
        columns = {name: values[kept] for name, values in whole.items()}
        currency = self.currencies.most_common(1)[0][0] if self.currencies else ""
        return self._made(client, columns, currency, order.size - kept.size)

    def _made(self, client: Elasticsearch, columns: dict[str, NDArray[Any]], currency: str, copies: int) -> Read:
        strange = (columns["currency"] != hash(currency)) & np.isfinite(columns["cost"])
        columns["cost"] = np.where(strange, np.nan, columns["cost"])
        metrics = {metric.name: columns[metric.name] for metric in METRICS}
        scored = scores(client, Requests(columns["trace"], columns["place"], float(columns["times"][0])))
        metrics |= scored.metrics
        names_in_order = sorted(self.variants)
        places = np.array([names_in_order.index(name) for name in self.variants], np.int64)
        variant, users, times, known = (columns[name] for name in ("variant", "users", "times", "known"))
        traffic = Traffic(tuple(names_in_order), places[variant], users, times, metrics, known)
        calls = {name: _calls(columns["trace"][variant == place]) for name, place in self.variants.items()}
        return Read(
            traffic, self.without_user, copies, int(strange.sum()), currency, calls, scored.scorers, scored.rated
        )


def _words(page: Fields, name: str) -> list[Any]:
    return [each.get(name, _NOBODY)[0] for each in page]


def _numbers(page: Fields, name: str) -> Numbers:
    return np.array(_words(page, name), np.float64)  # None becomes NaN


def _calls(traces: NDArray[np.bytes_]) -> float:
    """How many a trace has on average; one outside of any trace is alone."""
    outside = int((traces == b"").sum())
    return traces.size / max(1, np.unique(traces).size - bool(outside) + outside)


def _empty() -> tuple[Codes, Codes, Numbers]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
