"""Where signed statements are kept outside Elasticsearch: a folder, bucket or the like. It signs and reads none.

Whoever can write to Elasticsearch cannot rebuild a history there without contradicting what lies here. So a file that
is there is never written again: give the application no right to delete or overwrite there, if the store can do that.
"""

from __future__ import annotations

import importlib
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from throughline.records import proof

SETTING: Final = "THROUGHLINE_ANCHOR"


class Anchor:
    """A place by its fsspec URL. Raises ValueError for one that cannot be."""

    def __init__(self, url: str) -> None:
        protocol, found, place = url.partition("://")
        if not found or not (place or protocol == "memory"):
            raise ValueError(f"{SETTING} may be a URL, such as file:///var/lib/anchors or s3://bucket/anchors")
        if re.match("[^/@]*:[^/]*@", place):
            raise ValueError(f"{SETTING} holds a password, which messages would show; give it to fsspec's settings")
        _known(protocol)
        self._files, root = importlib.import_module("fsspec.core").url_to_fs(url)
        self._root = str(root).rstrip("/")
        kind = type(self._files).protocol
        self.folder = Path(self._root) if "file" in ((kind,) if isinstance(kind, str) else kind) else None
        """Where it is a folder of this machine."""

    def write(self, statement: Mapping[str, Any]) -> None:
        """Keep it. Raises FileExistsError where another statement has its place, OSError where it fails."""
        path = f"{self._root}/{path_of(statement)}"
        content = f"{proof.canonical(dict(statement))}\n".encode()
        try:
            if self.folder is not None:
                _create(Path(path), content)
            else:
                self._create_elsewhere(path, content)
        except FileExistsError:
            if self._files.cat_file(path) != content:
                raise

    def _create_elsewhere(self, path: str, content: bytes) -> None:
        """Stores that can create only, do; of the others we ask first."""
        if self._files.exists(path):
            raise FileExistsError(path)
        with suppress(Exception):  # flat stores have no folders
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            self._files.pipe_file(path, content, mode="create")
        except (TypeError, NotImplementedError):
            self._files.pipe_file(path, content)


def path_of(statement: Mapping[str, Any]) -> str:
    """Where a statement lies below the anchor."""
    day = datetime.fromtimestamp(int(statement["time"]) // 10**9, UTC).date()
    return f"{day}/{statement['chain']}-{int(statement['sequence']) + 1:012d}-{statement['kind']}.json"


def _known(protocol: str) -> None:
    try:
        registry = importlib.import_module("fsspec.registry")
    except ImportError:
        raise ValueError(f"{SETTING} needs the package fsspec: pip install 'throughline[evidence]'") from None
    try:
        registry.get_filesystem_class(protocol)
    except ImportError as error:  # its text names the package
        raise ValueError(f"{SETTING}, {protocol}: {error}") from error
    except ValueError:
        raise ValueError(f"{SETTING}: fsspec knows no protocol {protocol!r}") from None


def _create(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o444)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)
