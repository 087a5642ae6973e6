"""PostgreSQL from memory, and real cursors of psycopg whose connections ask it instead of a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

import pgvector  # noqa: F401 - its import is what switches the recording on
import psycopg
from instrumentation.pgvector_client.exchanges import EXCHANGES
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from psycopg import errors
from throughline import Masker
from throughline.adapters import pgvector as pgvector_adapter

ONCE = "the driver sends each statement once"
NO_CONTENT = "neither parameters nor rows are read"


def _asks(self: Any, query: Any, params: Any = None, **_options: Any) -> Iterator[None]:
    """What sends a statement and takes its rows, in steps that the connection waits for."""
    answer = self.handler((query, params))
    if isawaitable(answer):
        yield answer  # type: ignore[misc]
    self.rows, self._rowcount = answer, len(answer) if isinstance(answer, list) else -1


class Cursor(psycopg.Cursor[Any]):
    _execute_gen = _asks  # type: ignore[assignment]


class AsyncCursor(psycopg.AsyncCursor[Any]):
    _execute_gen = _asks  # type: ignore[assignment]


@asynccontextmanager
async def _unlocked() -> Any:
    yield


async def _wait_later(steps: Iterator[Any]) -> None:
    for step in steps:
        await step


class Connection:
    """What cursors need of theirs."""

    closed = False
    info = SimpleNamespace(host="rows.example", port=5432)

    def __init__(self, *, asynchronous: bool) -> None:
        self.asynchronous, self._lock = asynchronous, threading.Lock()
        self.wait: Callable[[Iterator[Any]], Any] = _wait_later if asynchronous else list

    @property
    def lock(self) -> Any:
        return _unlocked() if self.asynchronous else self._lock


def client(handler: Handler, *, asynchronous: bool = False, **connection: Any) -> Any:
    cls: Any = AsyncCursor if asynchronous else Cursor
    cursor = cls.__new__(cls)
    cursor._conn, cursor.handler = Connection(asynchronous=asynchronous), handler
    vars(cursor._conn).update(connection)
    return cursor


class Pgvector(Store):
    """The fixtures of the shared scenarios."""

    name = "pgvector"
    cannot = {
        "test_retries_are_seen": ONCE,
        "test_a_connection_that_failed_is_an_attempt_too": ONCE,
        "test_one_shot_iterators_in_the_request_arrive": "the driver refuses them",
        "test_content_goes_where_the_mode_says": NO_CONTENT,
        "test_large_content_arrives_whole": NO_CONTENT,
    }
    wanted = frozenset({"vector query", "no hits"})
    not_called = frozenset({(Masker, "value")})  # neither parameters nor rows are read: there is nothing to mask
    adapter = pgvector_adapter.Pgvector()
    reader = pgvector_adapter.Retrieval()
    exchanges = EXCHANGES
    refusals = {
        "no such table": (errors.UndefinedTable("no"), "UndefinedTable"),
        "time-out": (errors.QueryCanceled("slow"), "QueryCanceled"),
        "no connection": (psycopg.OperationalError("refused"), "OperationalError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not retries
        return client(handler, asynchronous=asynchronous)

    def body(self, reply: Any) -> Any:
        return reply

    def sent(self, request: Any) -> Any:
        return request

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        result = api.execute(**request)
        cursor = await result if way.startswith("async") else result
        assert cursor is api
        return cursor.rows
