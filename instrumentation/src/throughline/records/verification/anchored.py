"""Reads the statements that were anchored outside of Elasticsearch; writes none."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from throughline.records.anchors import path_of

_NAME: Final = re.compile(r"([0-9a-f]{32})-(\d{12,})-([a-z]+)\.json")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH: Final = datetime(1970, 1, 3, tzinfo=UTC)
Place = tuple[int, str]
"""Sequence and kind of a statement."""


class Anchored:
    """The statements below an fsspec URL, by chain, sequence and kind; listed once."""

    def __init__(self, url: str, since: datetime | None = None, until: datetime | None = None) -> None:
        """Only the days from `since` to `until`, and one more on each side.

        Raises OSError where there is no anchor, and ValueError or ImportError for a URL that cannot be.
        """
        self._files, root = importlib.import_module("fsspec.core").url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._whole = since is None and until is None
        self._paths: dict[str, dict[Place, str]] = {}
        self._last: tuple[str, list[tuple[Place, Any]]] = ("", [])
        margin = timedelta(days=1)
        first = (since - margin).date().isoformat() if since else ""
        last = (until + margin).date().isoformat() if until else "9"
        for day in self._names(self._root):
            if _DAY.fullmatch(day) and first <= day <= last:
                self._keep(f"{self._root}/{day}", self._names(f"{self._root}/{day}"))

    @classmethod
    def unlisted(cls, url: str) -> Self:
        """Without a list, to be asked for single statements."""
        return cls(url, _EPOCH, _EPOCH)

    @property
    def chains(self) -> Iterable[str]:
        """The chains of those days."""
        return self._paths.keys()

    def statements(self, chain: str) -> list[tuple[Place, Any]]:
        """The anchored statements of a chain as they were written, whatever they are by now."""
        if self._last[0] != chain:
            paths = sorted(self._paths.get(chain, {}).items())
            self._last = chain, [(place, self._read(path)) for place, path in paths]
        return self._last[1]

    def find(self, statement: Mapping[str, Any]) -> Any:
        """The anchored copy of a statement of a day that was not listed; None where it has none."""
        return None if self._whole else self._read(f"{self._root}/{path_of(statement)}")

    def look_everywhere(self, chain: str) -> None:
        """List a chain's statements of other days, too."""
        if not self._whole:
            self._last = ("", [])
            for path in self._files.glob(f"{self._root}/*/{chain}-*.json"):
                self._keep(path.rpartition("/")[0], [path.rpartition("/")[2]])

    def _keep(self, folder: str, names: Iterable[str]) -> None:
        for name in names:
            if match := _NAME.fullmatch(name):
                places = self._paths.setdefault(match[1], {})
                places[int(match[2]) - 1, match[3]] = f"{folder}/{name}"

    def _names(self, folder: str) -> list[str]:
        return sorted(str(path).rstrip("/").rpartition("/")[2] for path in self._files.ls(folder, detail=False))

    def _read(self, path: str) -> Any:
        try:
            return json.loads(self._files.cat_file(path))
        except FileNotFoundError:
            return None
        except (RecursionError, ValueError):
            return "no JSON"
