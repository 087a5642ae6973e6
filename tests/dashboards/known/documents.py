"""When the known documents were made, and the form that the Collector's exporter gives them; not what is in them."""

from __future__ import annotations

from typing import Any, Final

from throughline import names

START: Final = 1_780_000_020_000  # a whole minute, of a day that no other test writes in
MINUTE: Final = 60_000
END: Final = START + 60 * MINUTE - 1
Plain = dict[str, Any]


def at(minute: int, milliseconds: int = 0) -> str:
    """A moment as the exporter writes it: milliseconds and their fraction, as text."""
    return f"{START + minute * MINUTE + milliseconds}.000001"


def document(
    service: str | None,
    identity: str,
    time: str,
    attributes: Plain,
    *,
    event: str = names.CLIENT_INFERENCE_OPERATION_DETAILS,
    trace: str = "",
    environment: str = "production",
) -> Plain:
    """A log record; attributes stand under their dotted names."""
    own = {} if service is None else {names.SERVICE_NAME: service, names.DEPLOYMENT_ENVIRONMENT_NAME: environment}
    correlation = {"trace_id": trace, "span_id": identity[-16:]} if trace else {}
    return {
        "_id": identity,
        "@timestamp": time,
        **correlation,
        "event_name": event,
        "attributes": attributes,
        "resource": {"attributes": own},
        "scope": {"name": "throughline"},
        "body": {"text": ""},
    }


def began(minute: int, milliseconds: int, duration: float) -> int:
    """When something began that ended then and took so many seconds, in nanoseconds since the epoch."""
    return (START + minute * MINUTE + milliseconds) * 10**6 - round(duration * 10**9)
