"""Checks of what makes records evidence: spool, keys, anchor, and whether they can work together. Writes nothing."""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from throughline.cli.checking import Check, State, failed, ok, warning
from throughline.records import keys, left_over, proof
from throughline.records.anchors import Anchor
from throughline.records.at_rest import read_key
from throughline.settings import ANCHOR, KEY_LIST, SIGNING_KEY_FILE, SPOOL, SPOOL_KEY_FILE, Settings

_CORRECT: Final = "correct the variable or file: the application will not start with it"


def evidence_checks(variables: Mapping[str, str]) -> Iterator[Check]:
    """As the application would find it under opentelemetry-instrument, with these variables."""
    try:
        settings = Settings.from_environment(variables, automatic=True)
    except ValueError:
        return  # which another check reports
    if settings.spool is None:
        yield _off(settings)
        return
    yield from _spool(settings, settings.spool.expanduser().absolute())
    if settings.spool_key_file is not None:
        yield _spool_key(settings.spool_key_file)
    yield _signing_key(settings)
    if settings.anchor is not None:
        yield _anchor(settings.anchor, signs=settings.signing_key_file is not None)


def _off(settings: Settings) -> Check:
    needing = [
        name
        for name, value in ((SIGNING_KEY_FILE, settings.signing_key_file), (ANCHOR, settings.anchor))
        if value is not None
    ]
    if needing:
        found = f"off, so that {' and '.join(needing)} have no effect: no record is chained"
        return warning("spool", found, f"name a folder with {SPOOL}, or let OTEL_LOGS_EXPORTER be otlp")
    return ok(
        "spool", f"off: records are exported as logs are, and are no evidence; a folder in {SPOOL} switches it on"
    )


def _spool(settings: Settings, root: Path) -> Iterator[Check]:
    trouble = _unusable(root)
    if trouble and settings.spool_is_default:
        found = f"{root} cannot be used ({trouble}): records go as logs do, and are not chained"
        yield warning("spool", found, f"name a folder with {SPOOL}, or say `off`")
        return
    if trouble:
        yield failed("spool", f"{root} cannot be used ({trouble})", f"name a folder that can be written with {SPOOL}")
        return
    free = shutil.disk_usage(_existing(root)).free
    mode = "the disk waited for" if settings.spool_fsync else "the disk not waited for"
    found = f"{root}, {settings.spool_bytes:,} bytes a process, when full {settings.spool_when_full}, {mode}"
    if free < settings.spool_bytes:
        yield warning("spool", f"{found}; {free:,} bytes are free", "free some, or lower THROUGHLINE_SPOOL_BYTES")
    else:
        yield ok("spool", found)
    yield from _left_over(root)


def _left_over(root: Path) -> Iterator[Check]:
    try:
        status = left_over.status(root)
    except OSError:  # others' chains, which are not ours to look at
        return
    dead = [chain for chain in status.chains if not chain.is_alive]
    if dead:
        records = sum(chain.waiting_records for chain in dead)
        found = f"{len(dead)} chains of dead processes with {records:,} records wait in {root}"
        yield warning("left-over records", found, "`throughline spool send`, or let the application make a call")
    if status.refused:
        found = f"{status.refused:,} records that the Collector never took are in {root / 'refused'}"
        yield warning("refused records", found, "see the Collector's log: is a limit of size or a rule in the way?")


def _spool_key(path: Path) -> Check:
    try:
        read_key(path)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return failed("spool key", f"{SPOOL_KEY_FILE}: {said}", _CORRECT)
    return _private(path) or ok("spool key", f"records lie encrypted in the spool, under the key in {path}")


def _signing_key(settings: Settings) -> Check:
    name, path = "signing key", settings.signing_key_file
    if path is None:
        found = "none: records are chained, but nobody signs how far, so that a tail could be cut off unseen"
        return warning(name, found, f"`throughline keys new --purpose signing`, then set {SIGNING_KEY_FILE}")
    try:
        keys.SigningKey(path)
        key_id = proof.key_id(keys.public_bytes(keys.read_private_key(path)))
        listed = keys.read_key_list(settings.key_list) if settings.key_list else None
    except ValueError as error:
        return failed(name, str(error), _CORRECT)
    if unsafe := _private(path):
        return unsafe
    if listed is not None and not any(key.id == key_id and key.is_valid_at(datetime.now(UTC)) for key in listed):
        found = f"{key_id} in {path} is not a valid key of {settings.key_list}: what it signs will not be believed"
        return failed(name, found, f"see `throughline keys list`, or exchange {KEY_LIST}")
    often = f"every {settings.checkpoint_records:,} records or {settings.checkpoint_seconds} s"
    return ok(name, f"{key_id} in {path}, signs {often}")


def _anchor(url: str, *, signs: bool) -> Check:
    name = "anchor"
    if not signs:
        found = f"{ANCHOR} has no effect without {SIGNING_KEY_FILE}: only signed checkpoints are kept there"
        return warning(name, found, f"`throughline keys new --purpose signing`, then set {SIGNING_KEY_FILE}")
    try:
        folder = Anchor(url).folder
    except ValueError as error:
        return failed(name, str(error), _CORRECT)
    trouble = _unusable(folder) if folder is not None else None
    if trouble:
        found = f"{folder} cannot be written ({trouble}): checkpoints wait in the spool"
        return failed(name, found, "let the application's user write there")
    return ok(name, f"checkpoints are also kept in {url}")


def _private(path: Path) -> Check | None:
    """What is wrong with who may read a private file, if anything."""
    mode = path.stat().st_mode
    if not mode & 0o007:
        return None
    return Check("private files", State.WARNING, f"anybody on this machine may read {path}", f"chmod o= {path}")


def _unusable(folder: Path) -> str | None:
    """Why nothing can be written there, as far as can be seen without writing."""
    existing = _existing(folder)
    if not existing.is_dir():
        return f"{existing} is no folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"this user may not write in {existing}"
    return None


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
