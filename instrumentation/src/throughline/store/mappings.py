"""How documents of each kind are indexed in Elasticsearch: fields only, neither names of streams nor retention.

`subobjects: false` makes every attribute a leaf under its full dotted name. It is also why next to nothing is rejected:
an object where a string was mapped is walked past and stays in the source, whatever its keys or types.
"""

from typing import Final

from throughline import names
from throughline.store.attributes import (
    APART,
    ATTRIBUTES,
    BYTE,
    CONTENT_LEAVES,
    DOUBLE,
    KEYWORD,
    LONG,
    NANOSECONDS,
    TEXT,
    UNREAD,
    Mapping,
)

DELIVERY_DELAY: Final = "delivery_delay"
"""Seconds from a record's time, at which its call ended, until the Collector handed it to Elasticsearch."""
_RESOURCE: Final = (
    names.SERVICE_NAME,
    "service.version",
    "service.instance.id",
    "service.namespace",
    "deployment.environment.name",
    "host.name",
    "telemetry.sdk.language",
    "telemetry.sdk.version",
)


def searched_text(kind: Mapping) -> list[str]:
    """Every field of such documents that holds text a person may look for, with its full name."""
    fields = kind["properties"]["attributes"]["properties"].items()
    return [f"attributes.{name}" for name, field in fields if field is TEXT]


def _leaves(properties: Mapping, *, dynamic: bool) -> Mapping:
    return {"type": "object", "subobjects": False, "dynamic": dynamic, "properties": properties}


def _envelope(attributes: Mapping, own: Mapping) -> Mapping:
    """What the Collector's exporter writes around every signal's attributes; what it may add later is kept unread."""
    scope = {"name": KEYWORD, "version": KEYWORD, "schema_url": KEYWORD}
    return {
        "dynamic": False,
        "date_detection": False,
        "dynamic_templates": [
            {"strings": {"match_mapping_type": "string", "mapping": KEYWORD}},
            {"doubles": {"match_mapping_type": "double", "mapping": DOUBLE}},
        ],
        "properties": {
            "@timestamp": NANOSECONDS,
            "attributes": attributes,
            "data_stream": {"properties": dict.fromkeys(("type", "dataset", "namespace"), KEYWORD)},
            "resource": {"properties": {"attributes": _leaves(dict.fromkeys(_RESOURCE, KEYWORD), dynamic=False)}},
            "scope": {"properties": scope},
            **own,
        },
    }


_CORRELATION: Final[Mapping] = {"trace_id": KEYWORD, "span_id": KEYWORD}
_LOG: Final[Mapping] = {
    **_CORRELATION,
    "body": {"properties": {"text": TEXT, "structured": UNREAD}},
    "event_name": KEYWORD,
    "observed_timestamp": NANOSECONDS,
    "severity_number": BYTE,
    "severity_text": KEYWORD,
}
_SPAN: Final[Mapping] = {
    **_CORRELATION,
    "duration": LONG,
    "kind": KEYWORD,
    "links": {"properties": {**_CORRELATION, "attributes": UNREAD}},
    "name": KEYWORD,
    "parent_span_id": KEYWORD,
    "status": {"properties": {"code": KEYWORD, "message": TEXT}},
}

_METADATA: Final = {name: kind for name, kind in ATTRIBUTES.items() if name not in APART}
_CONTENT: Final = {
    **{name: ATTRIBUTES[name] for name in (*APART, names.RECORD_ID, names.CHAIN_ID, names.CHAIN_SEQUENCE)},
    **CONTENT_LEAVES,
}

# Computed when it is asked for. A sender's clock that goes wrong makes it negative, or too great.
_DELAY: Final = """
if (doc['@timestamp'].size() > 0 && doc['observed_timestamp'].size() > 0) {
  emit(ChronoUnit.NANOS.between(doc['@timestamp'].value, doc['observed_timestamp'].value) / 1.0e9);
}
"""

RECORD: Final = {
    **_envelope(_leaves(_METADATA, dynamic=False), _LOG),
    "runtime": {DELIVERY_DELAY: {"type": "double", "script": {"source": _DELAY}}},
}
CONTENT: Final = _envelope(_leaves(_CONTENT, dynamic=False), _LOG)
LOG: Final = _envelope(_leaves(ATTRIBUTES, dynamic=True), _LOG)
SPAN: Final = _envelope(_leaves(ATTRIBUTES, dynamic=True), _SPAN)


def metric() -> Mapping:
    """A metric's points; the exporter asks for a dynamic template by the point's type, so each of them must exist."""
    points = {
        "histogram": {"type": "object", "properties": {"values": DOUBLE, "counts": LONG}},
        "summary": {"type": "object", "properties": {"sum": DOUBLE, "value_count": LONG}},
        **{f"{instrument}_long": LONG for instrument in ("counter", "gauge")},
        **{f"{instrument}_double": DOUBLE for instrument in ("counter", "gauge")},
    }
    mapping = _envelope(
        _leaves(ATTRIBUTES, dynamic=True),
        {"start_timestamp": NANOSECONDS, "unit": KEYWORD, "metrics": _leaves({}, dynamic=True)},
    )
    named = [{name: {"mapping": point}} for name, point in points.items()]
    return {**mapping, "dynamic_templates": [*named, *mapping["dynamic_templates"]]}
