"""Finds the scores that evaluations gave to requests, by trace and span; takes no evaluation's word for a variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from throughline import names
from throughline.comparison.metrics import SCORE
from throughline.comparison.sample import Codes, Numbers
from throughline.comparison.searching import Body, Fields, Pages
from throughline.store.queries import EVALUATIONS, TIME, attribute

_TRACES_AT_ONCE: Final = 10_000
_FEW: Final = 5
"""Evaluations to a request up to which it is quicker to read all of them than to ask for those of our traces."""
_NAME, _VALUE = attribute(names.EVALUATION_NAME), attribute(names.EVALUATION_SCORE_VALUE)
_RECORD: Final = attribute(names.RECORD_ID)
_SCORER, _SOURCE = attribute(names.EVALUATION_SCORER), attribute(names.EVALUATION_SOURCE)
_FIELDS: Final = ("trace_id", "span_id", _NAME, _VALUE, _RECORD, _SCORER, _SOURCE)
_BY_USERS: Final = "user"


@dataclass(frozen=True, slots=True)
class Requests:
    """What scores are found by, in order of time."""

    traces: NDArray[np.bytes_]
    """(n,) trace ids."""
    places: Codes
    """(n,) the hash of each request's trace and span."""
    since: float
    """When the first one was, in seconds of the epoch."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What was scored, and by whom."""

    metrics: Mapping[str, Numbers]
    """(n,) the mean of each request's scores of that name, NaN where there is none."""
    scorers: Mapping[str, Sequence[str]]
    """By metric, all that gave it: the scorer, else the source."""
    rated: Sequence[str]
    """Metrics that users gave."""


def scores(client: Elasticsearch, requests: Requests) -> Scores:
    """All scores of these requests, by metric.

    A score that names the request's own span is that request's; any other of its trace is of the answer as a whole, and
    counts once, for the trace's last request.
    """
    columns, parts = _Columns(), []
    with Pages(client, EVALUATIONS) as pages:
        for query in _queries(client, requests):
            parts += [columns.of(page) for page in pages.of(query, _FIELDS)]
    if not parts:
        return Scores({}, {}, ())
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    parts.clear()
    _, once = np.unique(whole["record"], return_index=True)
    request = _requests(requests, whole["place"][once], whole["trace"][once])
    ours, request = once[request >= 0], request[request >= 0]
    named, values, origin = (whole[each][ours] for each in ("name", "value", "origin"))
    metrics, given = {}, {}
    for code, name in enumerate(columns.names):
        if (chosen := named == code).any():
            metrics[f"{SCORE}{name}"] = _means(request[chosen], values[chosen], requests.places.size)
            given[f"{SCORE}{name}"] = columns.given(origin[chosen])
    scorers = {metric: sorted({scorer or source for scorer, source in by}) for metric, by in given.items()}
    return Scores(metrics, scorers, [metric for metric, by in given.items() if _BY_USERS in {each[1] for each in by}])


def _queries(client: Elasticsearch, requests: Requests) -> Iterator[Body]:
    """For all evaluations since the first request, if most may be of ours; else for those of our traces."""
    since = {"range": {TIME: {"gte": int(1000 * requests.since), "format": "epoch_millis"}}}
    query: Body = {"bool": {"filter": [since, *({"exists": {"field": each}} for each in (_VALUE, "trace_id"))]}}
    counted = client.count(index=EVALUATIONS, query=query, ignore_unavailable=True)["count"]
    if counted <= _FEW * requests.places.size + _TRACES_AT_ONCE:
        yield query
        return
    traces = np.unique(requests.traces[requests.traces != b""])
    for start in range(0, traces.size, _TRACES_AT_ONCE):
        some = [each.decode() for each in traces[start : start + _TRACES_AT_ONCE].tolist()]
        yield {"bool": {"filter": [{"terms": {"trace_id": some}}, {"exists": {"field": _VALUE}}]}}


@dataclass(slots=True)
class _Columns:
    """Pages of evaluations as arrays; each evaluation by its record's id, so that a copy is known."""

    names: dict[str, int] = field(default_factory=dict)
    origins: dict[tuple[str, str], int] = field(default_factory=dict)
    unnamed: Iterator[int] = field(default_factory=count)

    def given(self, origins: Codes) -> list[tuple[str, str]]:
        """Scorer and source of these."""
        known = list(self.origins)
        return [known[place] for place in np.unique(origins)]

    def of(self, page: Fields) -> dict[str, NDArray[Any]]:
        """What each evaluation says; pages have only those with a value and a trace."""
        named = [each.get(_NAME, [""])[0] for each in page]
        places = [hash((each["trace_id"][0], each.get("span_id", [None])[0])) for each in page]
        origins = [(each.get(_SCORER, [""])[0], each.get(_SOURCE, ["unknown"])[0]) for each in page]
        records = [hash(each[_RECORD][0]) if _RECORD in each else next(self.unnamed) for each in page]
        return {
            "name": np.array([self.names.setdefault(name, len(self.names)) for name in named], np.int64),
            "origin": np.array([self.origins.setdefault(each, len(self.origins)) for each in origins], np.int64),
            "place": np.array(places, np.int64),
            "trace": np.array([each["trace_id"][0] for each in page], "S32"),
            "value": np.array([each[_VALUE][0] for each in page], np.float64),
            "record": np.array(records, np.int64),
        }


def _requests(requests: Requests, places: Codes, traces: NDArray[Any]) -> Codes:
    """The request that each score is of, -1 for none of ours."""
    own = _last_places(requests.places, places)
    return np.where(own >= 0, own, _last_places(requests.traces, traces))


def _means(request: Codes, values: Numbers, length: int) -> Numbers:
    counts = np.bincount(request, minlength=length)
    sums = np.bincount(request, weights=values, minlength=length)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), np.float64)


def _last_places(among: NDArray[Any], wanted: NDArray[Any]) -> Codes:
    """Where in `among` each of `wanted` stands last, -1 for nowhere."""
    order = np.argsort(among, kind="stable")
    place = np.searchsorted(among[order], wanted, "right") - 1
    found = order[np.maximum(place, 0)]
    return np.where((place >= 0) & (among[found] == wanted), found, -1)
