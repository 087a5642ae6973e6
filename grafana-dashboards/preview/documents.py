"""Documents of an answer as the frame that Grafana's Elasticsearch data source makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from preview.frames import Field, Frame, Kind, Plain, UntranslatedError, kind_of
from preview.searches import TIME_FIELD

_DEPTH: Final = 10
_OF_A_HIT: Final = ("_id", "_type", "_index", "sort", "highlight")


def document_frame(target: Plain, answer: Plain) -> Frame:
    """Every leaf of each document, under its dotted name; time first, as the answer's fields have it.

    Each field is of the kind of its first value; values of another kind are left out, as Grafana does.
    """
    ref, kind = target.get("refId", "A"), target["metrics"][0]["type"]
    if kind == "raw_document":
        raise UntranslatedError("raw documents, which Grafana shows as JSON")
    rows = [_row(hit, is_log=kind == "logs") for hit in answer["hits"]["hits"]]
    names = sorted({name for row in rows for name in row}, key=lambda name: (name != TIME_FIELD, name))
    return Frame([_field(name, [row.get(name) for row in rows]) for name in names], ref=ref)


def _row(hit: Plain, *, is_log: bool) -> Plain:
    source = dict(_leaves("", hit.get("_source") or {}))
    row = {name: hit.get(name) for name in _OF_A_HIT} | ({"_source": json.dumps(source)} if is_log else {}) | source
    for name, value in (hit.get("fields") or {}).items():
        row[name] = value[0] if is_log and isinstance(value, list) and len(value) == 1 else value
    if is_log:
        row.setdefault("id", f"{hit.get('_index')}#{hit.get('_id')}")
    return row


def _leaves(prefix: str, value: Plain, depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}.{key}".strip(".")
        if isinstance(inner, dict) and inner and depth < _DEPTH:
            yield from _leaves(name, inner, depth + 1)
        else:
            yield name, inner


def _field(name: str, values: list[Any]) -> Field:
    if name == TIME_FIELD:
        return Field(name, Kind.TIME, [_only(value) for value in values])
    kind = kind_of(values)
    return Field(name, kind, [value if kind is Kind.OTHER or kind_of([value]) is kind else None for value in values])


def _only(value: Any) -> str | None:
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    return text if isinstance(text, str) else None
