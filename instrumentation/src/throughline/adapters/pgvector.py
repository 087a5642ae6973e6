"""Searches of `pgvector` by psycopg 3, sync and async: SQL that orders rows by a vector's distance. No other SQL.

The library asks nothing itself: it only teaches drivers its types. So a statement counts by its text: a query that
orders by a distance operator, or by what it named such a distance. `<->` is also an operator of PostGIS and others, so
it counts only beside a vector. Nothing of a statement but its first table and its LIMIT is recorded, and no row is
read: rows are the application's to fetch. Other drivers are left alone: psycopg2's cursors are written in C, asyncpg
runs prepared statements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.operation import Operation, fitting

_DISTANCE = re.compile(r"<(?:->|=>|#>|\+>|~>|%{1,2}>)")
_READS = re.compile(r"[\s(]*(?:select|with)\b", re.IGNORECASE)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)
_NAMED = re.compile(r'\bas\s+"?(\w+)', re.IGNORECASE)
_TABLE = re.compile(r'\bfrom\s+(?:only\s+)?((?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+"))*)', re.IGNORECASE)
_TEXT = re.compile(r"'[^']*'")
_LIMIT = re.compile(r"\b(?:limit|fetch\s+(?:first|next))\s+(?:(\d+)|%\((\w+)\)s|(%s))", re.IGNORECASE)
_VECTOR = re.compile(r"'\s*\[|\b(?:half|sparse)?vec(?:tor)?\b", re.IGNORECASE)
_VECTORS = ("Vector", "HalfVector", "SparseVector", "Bit", "ndarray")


class Asked(NamedTuple):
    """One statement that looks for neighbours."""

    table: str | None
    limit: Any


class Retrieval(Reader):
    """A statement until its rows are there."""

    operation = "retrieval"

    def request(self, op: Operation, body: Asked) -> None:
        op.data_source, op.retrieval_top_k = body.table, fitting(body.limit, int)

    def scores(self, body: Any) -> list[None] | None:
        """A cursor that has its rows knows how many; what a distance is among their columns, only the application."""
        count = fitting(body.rowcount, int)
        return [None] * count if count is not None and count >= 0 else None


class Pgvector(Adapter):
    """Only while `pgvector` is imported are psycopg's cursors patched, when they are imported, too."""

    patches = (
        Patch("psycopg.cursor:Cursor.execute", late=True),
        Patch("psycopg.cursor_async:AsyncCursor.execute", late=True),
    )
    reader = Retrieval()

    def route(self, call: Call) -> Route | None:
        given = call.named("query", "params")
        statement = _text(given["query"])
        if "<" not in statement or (found := _DISTANCE.search(statement)) is None or not _READS.match(statement):
            return None
        params = given.get("params")
        if not _orders(statement, found.start()) or not _about_vectors(statement, params):
            return None
        table = _TABLE.search(_TEXT.sub("''", statement))  # texts are the application's, and may hold any word
        asked = Asked(table.group(1).replace('"', "") if table else None, _limit(statement, params))
        connection = call.instance.connection
        info = None if connection.closed else connection.info
        return Route(self.reader, asked, None, (info and info.host) or None, info and info.port)


def _text(query: Any) -> str:
    """A statement, or a part of one that is composed, as far as it matters here: values other than numbers are not."""
    if isinstance(query, str):
        return query
    if isinstance(query, bytes):
        return query.decode(errors="replace")
    inner = getattr(query, "_obj", None)
    match type(query).__name__:
        case "SQL":
            return str(inner)
        case "Composed" if isinstance(inner, (list, tuple)):
            return "".join(map(_text, inner))
        case "Identifier" if isinstance(inner, (list, tuple)):
            return ".".join(f'"{name}"' for name in inner)
        case "Placeholder":
            return f"%({inner})s" if inner else "%s"
        case "Literal":
            return str(inner) if type(inner) is int else "'['" if _is_vector(inner) else "''"
    return ""


def _orders(statement: str, first: int) -> bool:
    """Whether rows are ordered by a distance: by the operator itself, or by the name that one got in the SELECT."""
    keys = [statement[match.end() :] for match in _ORDER.finditer(statement)]
    if any(_DISTANCE.search(key) for key in keys):
        return True
    selected = _TABLE.search(statement, first)
    named = _NAMED.findall(statement[first : selected.start() if selected else len(statement)])
    return any(re.search(rf"\b{name}\b", key) for name in named for key in keys)


def _about_vectors(statement: str, params: Any) -> bool:
    """Whether the distance is one of vectors: no other extension in wide use has the other operators."""
    if any(operator != "<->" for operator in _DISTANCE.findall(statement)) or _VECTOR.search(statement):
        return True
    values = params.values() if isinstance(params, Mapping) else params if isinstance(params, (list, tuple)) else ()
    return any(map(_is_vector, values))


def _is_vector(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith("[") and value.endswith("]")
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], (int, float))
    return type(value).__name__ in _VECTORS


def _limit(statement: str, params: Any) -> Any:
    """The last LIMIT: that of the whole statement where it has several."""
    match = next(reversed(list(_LIMIT.finditer(statement))), None)
    if match is None:
        return None
    number, name, _ = match.groups()
    if number:
        return int(number)
    if name:
        return params.get(name) if isinstance(params, Mapping) else None
    before = statement.count("%s", 0, match.end()) - 1
    return params[before] if isinstance(params, Sequence) and before < len(params) else None
