"""Messages of AWS event streams as they are on the wire: lengths, checksum, headers, payload, checksum. No client."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from typing import Any


def frame(payload: bytes, **headers: str) -> bytes:
    """One message; a header `event_type` is sent as `:event-type`."""
    sent = b""
    for name, value in headers.items():
        key = f":{name.replace('_', '-')}".encode()
        sent += bytes([len(key)]) + key + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(sent) + len(payload), len(sent))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + sent + payload
    return message + struct.pack(">I", binascii.crc32(message))


def event(kind: str, payload: Any) -> bytes:
    """An event of this kind, or an exception where its name says so."""
    content = json.dumps(payload).encode()
    if kind.endswith("Exception"):
        return frame(content, exception_type=kind, message_type="exception", content_type="application/json")
    return frame(content, event_type=kind, message_type="event", content_type="application/json")


def aws_event(chunk: Any) -> bytes:
    """A chunk of a model's own stream as Bedrock passes it through: in base64."""
    return event("chunk", {"bytes": base64.b64encode(json.dumps(chunk).encode()).decode()})
