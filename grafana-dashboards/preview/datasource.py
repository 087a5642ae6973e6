"""What Grafana's Elasticsearch data source does, in Python: panel query to search, answer to columns and series.

The parts stand in searches.py, answers.py, interpolation.py and transformations.py; it draws nothing and knows no
panel of ours.
"""

from __future__ import annotations

from preview.answers import frames
from preview.frames import Field, Frame, Kind, Plain, display_names, kind_of
from preview.interpolation import Everything, Values, everywhere, interpolate
from preview.searches import TIME_FIELD, Moment
from preview.transformations import transformed

__all__ = [
    "Columns",
    "Everything",
    "Moment",
    "columns",
    "documents",
    "frames",
    "interpolate",
    "prepared",
    "series",
    "shaped",
    "table",
    "transformed",
]

Columns = dict[str, list[object]]


def prepared(target: Plain, values: Values) -> Plain:
    """The query with the dashboard's variables in it: as Lucene in what is Lucene, else as Grafana writes them."""
    filled = {**target, "query": interpolate(target.get("query") or "", values)}
    if "bucketAggs" in target:
        filled["bucketAggs"] = [_filled(bucket, values) for bucket in target["bucketAggs"]]
    query = filled.pop("query")
    return dict(everywhere(filled, values)) | {"query": query}


def _filled(bucket: Plain, values: Values) -> Plain:
    if bucket["type"] != "filters":
        return bucket
    settings = bucket["settings"]
    filters = [{**each, "query": interpolate(each["query"], values) or "*"} for each in settings["filters"]]
    return {**bucket, "settings": {**settings, "filters": filters}}


def series(target: Plain, answer: Plain) -> dict[str, list[tuple[int, float | None]]]:
    """The named series of an answer whose innermost buckets are of time."""
    return {
        frame.name: list(zip(frame.fields[0].values, frame.fields[1].values, strict=True))
        for frame in frames(target, answer)
        if frame.is_series
    }


def table(target: Plain, answer: Plain) -> Columns:
    """The columns of an answer without time: one for each bucket's field, one for each number."""
    return columns(frames(target, answer))


def documents(answer: Plain) -> Columns:
    """The columns of an answer with documents: every leaf of each, under its dotted name; time from the fields."""
    return columns(frames({"metrics": [{"id": "1", "type": "raw_data"}]}, answer))


def columns(found: list[Frame]) -> Columns:
    """The columns of the only frame that there is, by the names under which Grafana shows them."""
    if not found:
        return {}
    (frame,) = found
    names = display_names(frame, found)
    return {name: list(field.values) for name, field in zip(names, frame.fields, strict=True)}


def shaped(found: Columns, transformations: list[Plain]) -> Columns:
    """Columns after the panel's transformations, those that one frame goes through."""
    fields = [Field(name, _kind(name, values), values) for name, values in found.items()]
    return columns(transformed([Frame(fields)] if fields else [], transformations))


def _kind(name: str, values: list[object]) -> Kind:
    return Kind.TIME if name == TIME_FIELD else kind_of(values)
