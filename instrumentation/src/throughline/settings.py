"""Throughline's settings, parsed once from the environment into a frozen object. Reads nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from throughline.blobs import CONTENT_STORE
from throughline.content import LEAST

CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EMIT_EVENT = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"
DISABLED_CLIENTS = "THROUGHLINE_DISABLED_CLIENTS"
TRACE_HOSTS = "THROUGHLINE_TRACE_HOSTS"
STREAM_USAGE = "THROUGHLINE_STREAM_USAGE"
ESTIMATE_USAGE = "THROUGHLINE_ESTIMATE_USAGE"
FINGERPRINT = "THROUGHLINE_FINGERPRINT"
COST = "THROUGHLINE_COST"
PRICES_FILE = "THROUGHLINE_PRICES_FILE"
CONTENT_LIMIT = "THROUGHLINE_CONTENT_LIMIT"
CONTENT_STORE_FROM = "THROUGHLINE_CONTENT_STORE_FROM"
SEAL_FOR_FILE = "THROUGHLINE_SEAL_FOR_FILE"
SPOOL = "THROUGHLINE_SPOOL"
SPOOL_BYTES = "THROUGHLINE_SPOOL_BYTES"
SPOOL_WHEN_FULL = "THROUGHLINE_SPOOL_WHEN_FULL"
SPOOL_FSYNC = "THROUGHLINE_SPOOL_FSYNC"
SPOOL_KEY_FILE = "THROUGHLINE_SPOOL_KEY_FILE"
SIGNING_KEY_FILE = "THROUGHLINE_SIGNING_KEY_FILE"
CHECKPOINT_SECONDS = "THROUGHLINE_CHECKPOINT_SECONDS"
CHECKPOINT_RECORDS = "THROUGHLINE_CHECKPOINT_RECORDS"
ANCHOR = "THROUGHLINE_ANCHOR"
KEY_LIST = "THROUGHLINE_KEY_LIST"
PROMPTS = "THROUGHLINE_PROMPTS"
ASSIGNMENT_KEY_FILE = "THROUGHLINE_ASSIGNMENT_KEY_FILE"
"""These two are read by `throughline.prompts`, at the first prompt."""
LEAST_SPOOL = 65_536
"""Bytes: room for some records and the news that others were dropped."""


class ContentMode(StrEnum):
    """Where prompts and answers go, as the official packages name it."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"


class WhenFull(StrEnum):
    """What happens to a record for which the spool has no room."""

    DROP_OLDEST = "drop_oldest"
    """The oldest make room for it; how many and which is a record in the chain."""
    BLOCK = "block"
    """The call waits until there is room."""
    REFUSE = "refuse"
    """It is not kept; how many were not is a record, once there is room."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the application's owner decided. Every default is the cautious choice."""

    content: ContentMode = ContentMode.NO_CONTENT
    emit_records: bool = True
    """One record for every operation, with content only where `content` says so."""
    disabled_clients: frozenset[str] = frozenset()
    trace_hosts: frozenset[str] = frozenset()
    """Hosts of one's own proxies, which get a traceparent header. No model provider ever does."""
    stream_usage: bool = False
    """Ask the provider for the usage of streamed calls, and keep the extra chunk from the caller."""
    estimate_usage: bool = False
    """Where the provider sends no usage, estimate it from the text's length, marked as an estimate."""
    fingerprint: bool | None = None
    """Hash how prompts without a template begin, so that like ones are counted together; None: where content is
    captured and not sealed, as who guesses a question can find it by its hash where the masks have no key."""
    cost: bool = True
    """Say what a call cost, where the price list knows its model."""
    prices_file: Path | None = None
    """The owner's own prices, which win over the shipped list; `prices.py` says how it is written."""
    content_limit: int = 1_000_000
    """Bytes of JSON that one attribute's content may take; what is longer is cut, with a note of its length and hash.

    Four of them fit the 4 MB that a gRPC message may have by default.
    """
    content_store: str | None = None
    """An fsspec URL of a store where larger content goes whole; span and record keep a reference."""
    content_store_from: int = 100_000
    """What is larger, in bytes: below it, content stays where it can be searched."""
    seal_for_file: Path | None = None
    """An auditor's public key: content leaves the process sealed to it, on records alone."""

    spool: Path | None = None
    """A folder where each record is put before the call returns, until the Collector has it."""
    spool_is_default: bool = False
    """Nobody named that folder: where it cannot be used, records go the SDK's way."""
    spool_bytes: int = 268_435_456
    """What one process may take of the disk."""
    spool_when_full: WhenFull = WhenFull.DROP_OLDEST
    spool_fsync: bool = False
    """Wait until the disk has it, so that a record outlives the machine's death, too."""
    spool_key_file: Path | None = None
    """32 bytes in base64: under them, records lie encrypted in the spool."""
    signing_key_file: Path | None = None
    """A private key that signs how far the chain of records has come."""
    checkpoint_seconds: int = 60
    checkpoint_records: int = 1_000
    """A checkpoint comes after so many seconds or records, whichever is first."""
    anchor: str | None = None
    """An fsspec URL where checkpoints are kept outside Elasticsearch."""
    key_list: Path | None = None
    """The public keys and their validity, for whoever verifies."""

    def __post_init__(self) -> None:
        if self.seal_for_file and self.content is ContentMode.SPAN_ONLY:
            raise ValueError(
                f"{SEAL_FOR_FILE} seals content on records, which {CAPTURE_CONTENT}=SPAN_ONLY has not; "
                "let it be EVENT_ONLY"
            )

    @property
    def content_on_span(self) -> bool:
        shown = self.content in (ContentMode.SPAN_ONLY, ContentMode.SPAN_AND_EVENT)
        return shown and self.seal_for_file is None

    @property
    def content_on_event(self) -> bool:
        return self.emit_records and self.content in (ContentMode.EVENT_ONLY, ContentMode.SPAN_AND_EVENT)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, *, automatic: bool = False) -> Settings:
        """Read the variables above. Raises ValueError, naming the variable and what it may be, for any other value.

        Loaded automatically, where logs are exported by OTLP, the spool is on unless it is switched off.
        """
        return cls(
            **_evidence(environment, automatic=automatic),
            content=_content_mode(environment.get(CAPTURE_CONTENT, "")),
            emit_records=_boolean(environment, EMIT_EVENT, default=True),
            disabled_clients=_words(environment, DISABLED_CLIENTS),
            trace_hosts=_words(environment, TRACE_HOSTS),
            stream_usage=_boolean(environment, STREAM_USAGE, default=False),
            estimate_usage=_boolean(environment, ESTIMATE_USAGE, default=False),
            fingerprint=_boolean(environment, FINGERPRINT, default=False) if environment.get(FINGERPRINT) else None,
            cost=_boolean(environment, COST, default=True),
            content_limit=_bytes(environment, CONTENT_LIMIT, default=1_000_000, least=LEAST),
            content_store=environment.get(CONTENT_STORE, "").strip() or None,
            content_store_from=_bytes(environment, CONTENT_STORE_FROM, default=100_000, least=1),
            prices_file=_path(environment, PRICES_FILE),
            seal_for_file=_path(environment, SEAL_FOR_FILE),
        )


def _evidence(environment: Mapping[str, str], *, automatic: bool) -> dict[str, Any]:
    """What makes records evidence."""
    spool, spool_is_default = _spool(environment, automatic=automatic)
    return {
        "spool": spool,
        "spool_is_default": spool_is_default,
        "spool_bytes": _bytes(environment, SPOOL_BYTES, default=268_435_456, least=LEAST_SPOOL),
        "spool_when_full": _when_full(environment.get(SPOOL_WHEN_FULL, "")),
        "spool_fsync": _boolean(environment, SPOOL_FSYNC, default=False),
        "spool_key_file": _path(environment, SPOOL_KEY_FILE),
        "signing_key_file": _path(environment, SIGNING_KEY_FILE),
        "checkpoint_seconds": _whole(environment, CHECKPOINT_SECONDS, "seconds", default=60, least=1),
        "checkpoint_records": _whole(environment, CHECKPOINT_RECORDS, "records", default=1_000, least=1),
        "anchor": environment.get(ANCHOR, "").strip() or None,
        "key_list": _path(environment, KEY_LIST),
    }


def default_spool(environment: Mapping[str, str]) -> Path:
    """Where the XDG base directories want what outlives a process."""
    state = environment.get("XDG_STATE_HOME", "").strip()
    home = Path(environment.get("HOME", "").strip() or Path("~").expanduser())
    return (Path(state) if state.startswith("/") else home / ".local" / "state") / "throughline" / "spool"


def _spool(environment: Mapping[str, str], *, automatic: bool) -> tuple[Path | None, bool]:
    """The folder, if any, and whether nobody named it."""
    word = environment.get(SPOOL, "").strip()
    if word.lower() in ("off", "false"):
        return None, False
    if word:
        return Path(word), False
    exports = environment.get("OTEL_LOGS_EXPORTER", "").lower()
    if not automatic or "otlp" not in exports or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None, False
    return default_spool(environment), True


def _when_full(value: str) -> WhenFull:
    word = value.strip().lower() or WhenFull.DROP_OLDEST
    if word not in {*WhenFull}:
        raise ValueError(f"{SPOOL_WHEN_FULL} is {value!r}; it may be {', '.join(WhenFull)}")
    return WhenFull(word)


def _content_mode(value: str) -> ContentMode:
    """The official names in any case; `true` and `false`, which some packages read, mean both and none."""
    word = value.strip().upper() or "NO_CONTENT"
    word = {"TRUE": "SPAN_AND_EVENT", "FALSE": "NO_CONTENT"}.get(word, word)
    if word not in ContentMode.__members__:
        raise ValueError(f"{CAPTURE_CONTENT} is {value!r}; it may be {', '.join(ContentMode)}")
    return ContentMode[word]


def _boolean(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    word = environment.get(name, "").strip().lower()
    if word not in ("", "true", "false", "1", "0"):
        raise ValueError(f"{name} is {environment[name]!r}; it may be true or false")
    return default if not word else word in ("true", "1")


def _bytes(environment: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    return _whole(environment, name, "bytes", default=default, least=least)


def _whole(environment: Mapping[str, str], name: str, unit: str, *, default: int, least: int) -> int:
    word = environment.get(name, "").strip() or str(default)
    if not word.isdecimal() or int(word) < least:
        raise ValueError(f"{name} is {word!r}; it may be a whole number of {unit}, at least {least}")
    return int(word)


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    word = environment.get(name, "").strip()
    return Path(word) if word else None


def _words(environment: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in environment.get(name, "").split(",") if word.strip())
