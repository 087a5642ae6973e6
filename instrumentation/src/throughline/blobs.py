"""Contents as blobs in any store that fsspec knows: where they are, written and read at once; nothing waits here."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTENT_STORE = "THROUGHLINE_CONTENT_STORE"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an attribute's content is."""

    attribute: str
    url: str
    digest: str
    size: int

    def __str__(self) -> str:
        return f"{self.attribute}:{self.url}:{self.digest}:{self.size}"

    @classmethod
    def parsed(cls, text: str) -> Reference:
        """Raises ValueError for a text that is no reference."""
        found = re.fullmatch(r"([^:]+):([a-z0-9+.-]+://.+):([0-9a-f]{64}):([0-9]+)", text)
        if found is None:
            raise ValueError("a reference to content reads `attribute name:URL:SHA-256:size in bytes`")
        return cls(found[1], found[2], found[3], int(found[4]))


class Store:
    """A folder, bucket or the like, by its URL. Raises ValueError for one that cannot be."""

    def __init__(self, url: str) -> None:
        protocol, found, place = url.partition("://")
        if not found or not (place or protocol == "memory"):
            raise ValueError(f"{CONTENT_STORE} may be a URL, such as file:///var/lib/content or s3://bucket/content")
        if re.match("[^/@]*:[^/]*@", place):
            raise ValueError(
                f"{CONTENT_STORE} holds a password, which references would show; give it to fsspec's settings"
            )
        kind = _filesystem_class(protocol)
        self._is_local = "file" in kind.protocol if isinstance(kind.protocol, tuple) else kind.protocol == "file"
        self._is_flat = bool(kind.async_impl) or protocol == "memory"  # no folders to make, and a write is whole or not
        self.url = f"{protocol}://{place.rstrip('/')}"
        if self._is_local:  # relative paths too, which mean nothing to a reader
            self.url = f"file://{_opened(url)[1]}"

    def url_of(self, digest: str) -> str:
        """The address of a blob."""
        return f"{self.url}/{digest}.json"

    def write(self, digest: str, data: bytes) -> None:
        """Write a blob: whole or not at all where the store can do that, and in a local folder for its owner alone."""
        url = self.url_of(digest)
        if self._is_local:
            _write_privately(Path(url.removeprefix("file://")), data)
            return
        files, path = _opened(url)
        if self._is_flat:
            files.pipe_file(path, data)
        elif not files.exists(path):
            files.makedirs(path.rpartition("/")[0], exist_ok=True)
            aside = f"{path}.{secrets.token_hex(8)}"
            files.pipe_file(aside, data)
            files.mv(aside, path)

    def delete(self, digest: str) -> bool:
        """Remove a blob; whether it was there."""
        files, path = _opened(self.url_of(digest))
        try:
            files.rm_file(path)
        except FileNotFoundError:
            return False
        return True

    def has(self, digest: str) -> bool:
        """Whether a blob is there."""
        files, path = _opened(self.url_of(digest))
        return bool(files.exists(path))


def read(reference: str, store: str | None = None) -> Any:
    """The content that a reference leads to. Raises ValueError where something else is there, or where it leads out of
    `store`, which is to be given for references that anybody may have written; OSError where nothing is there."""
    found = Reference.parsed(reference)
    if store is not None and found.url != Store(store).url_of(found.digest):
        raise ValueError(f"the reference leads out of the store {store}")
    _filesystem_class(found.url.partition("://")[0])
    files, path = _opened(found.url)
    data: bytes = files.cat_file(path)
    if hashlib.sha256(data).hexdigest() != found.digest:
        raise ValueError(f"{found.url} holds other content than the reference says")
    return json.loads(data)


def _filesystem_class(protocol: str) -> Any:
    try:
        registry = importlib.import_module("fsspec.registry")
    except ImportError:
        raise ValueError(f"{CONTENT_STORE} needs the package fsspec: pip install fsspec") from None
    try:
        return registry.get_filesystem_class(protocol)
    except ImportError as error:  # its text names the package
        raise ValueError(f"{CONTENT_STORE}, {protocol}: {error}") from error
    except ValueError:
        raise ValueError(f"{CONTENT_STORE}: fsspec knows no protocol {protocol!r}") from None


def _opened(url: str) -> tuple[Any, str]:
    """What reads and writes there, and the path that it wants."""
    files, path = importlib.import_module("fsspec.core").url_to_fs(url)
    return files, path


def _write_privately(path: Path, data: bytes) -> None:
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
