"""What an adapter is: where to patch, and how to read one call. No OpenTelemetry here; the rest is the recorder's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from throughline.operation import FIELD_TYPES, AttributeValue, Operation, fitting
from throughline.parts import member


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a patched method, exactly as the application made it."""

    instance: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Reader:
    """Reads one endpoint. Override what differs. Every method may raise: the recorder contains it."""

    operation: ClassVar[str] = "chat"
    params: ClassVar[Mapping[str, str]] = {}  # field of Operation, or an attribute's name → path in the request
    results: ClassVar[Mapping[str, str]] = {}  # the same → path in the response
    constants: ClassVar[Mapping[str, AttributeValue]] = {}  # attribute's name → what it always is here

    def __init__(self) -> None:
        self._params, self._results = _compiled(self.params), _compiled(self.results)

    def request(self, op: Operation, body: Any) -> None:
        """Fill `op` from the request's parameters."""
        _read(op, body, self._params)
        op.extra = {**(op.extra or {}), **self.constants}

    def request_content(self, op: Operation, body: Any) -> None:
        """Fill `op.system`, `op.input` and `op.tools`. Called only where content is captured."""

    def response(self, op: Operation, body: Any) -> None:
        """Fill `op` from the final response, or from what `fold` made of the chunks so far."""
        _read(op, body, self._results)

    def response_content(self, op: Operation, body: Any) -> None:
        """Fill `op.output`. Called only where content is captured."""

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        """Add what `response` reads of a stream's chunk to `whole`, which has the final response's shape."""

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        """Add what `response_content` reads of a chunk. Called, before `fold`, only where content is captured."""

    def ask_usage(self, body: Any) -> Any:
        """The request that makes the provider send a stream's usage, or None where none is needed or possible."""

    def only_usage(self, chunk: Any) -> bool:
        """Whether the chunk is there only because `ask_usage` asked for it, so that the caller must not see it."""
        del chunk
        return False


_Table = tuple[tuple[str, tuple[str, ...], type], ...]


def _compiled(table: Mapping[str, str]) -> _Table:
    return tuple((name, tuple(path.split(".")), FIELD_TYPES.get(name, str)) for name, path in table.items())


def _read(op: Operation, body: Any, table: _Table) -> None:
    for name, steps, kind in table:
        value = body
        for step in steps:
            value = member(value, step)
            if value is None:
                break
        else:
            if type(value) is not kind:
                value = fitting(value, kind)
            if value is not None:
                op.put(name, value)


@dataclass(frozen=True, slots=True)
class Route:
    """A call that is a GenAI operation: who reads it, its request body, and where it goes."""

    reader: Reader
    body: Any
    provider: str | None
    address: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """One point to patch, `module:Class.method`, by what happens there.

    `call`: an operation to record. `verdict`: the client judges a response that failed. `retry`: it computes how long
    it waits before it tries again. `native`: it opens its own span, and goes without one where it gets None instead.
    """

    point: str
    kind: Literal["call", "verdict", "retry", "native"] = "call"


class Running(Protocol):
    """What an adapter may do with a running operation when it delivers the result."""

    def finish(self, body: Any = None) -> None:
        """The operation ended well, with this response, or with the chunks seen so far."""

    def watched(self, chunks: Any) -> Any:
        """The same iterator, sync or async, seen by the recorder; the operation ends when it does."""

    def watched_bytes(self, blocks: Callable[..., Any]) -> Callable[..., Any]:
        """The same method returning an iterator of bytes, whose JSON or event stream the recorder decodes."""

    def dropped(self) -> None:
        """The caller let go of the result; nothing happens when it had ended before."""

    def closed(self) -> None:
        """The caller closed the stream; nothing happens when it had ended before."""


class Adapter:
    """One client library. Stateless; subclasses override the tables and what differs."""

    name: ClassVar[str]
    module: ClassVar[str]  # whose import makes the patches possible
    distribution: ClassVar[str]  # as package registries name it
    patches: ClassVar[Iterable[Patch]]

    def route(self, call: Call) -> Route | None:
        """How to read this call; None: not a GenAI operation."""
        raise NotImplementedError

    def deliver(self, result: Any, running: Running) -> None:
        """Tell `running` of the result, whatever its shape. The caller gets the very object that the client gave."""
        running.finish(result)

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:
        """Send `body` instead, if not None, and `headers` besides; asked for only where the owner opted in."""
