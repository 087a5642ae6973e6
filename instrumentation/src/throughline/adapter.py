"""What an adapter is: where to patch, and how to read one call. No OpenTelemetry here; the rest is the recorder's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

from throughline.operation import FIELD_TYPES, AttributeValue, Operation, fitting, named
from throughline.parts import members


class Call(NamedTuple):
    """One call of a patched method or function, exactly as the application made it."""

    instance: Any  # None: a function
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    point: str = ""
    """What was called: `Class.method` or `function`, as its `Patch` names it."""

    def named(self, *names: str) -> dict[str, Any]:
        """The arguments by name; the positional ones have these names, in this order."""
        return {**dict(zip(names, self.args, strict=False)), **self.kwargs}


class Reader:
    """Reads one endpoint. Override what differs. Every method may raise: the recorder contains it."""

    operation: ClassVar[str] = "chat"
    kind: ClassVar[Literal["client", "internal", "server"]] = "client"
    encloses: ClassVar[bool] = False
    """Whether operations made inside it are its steps, recorded as its children; else they are this same operation."""
    gives_way: ClassVar[bool] = False
    """Whether this only stands in for a client below: where that records the same operation, this one is forgotten."""
    apart: ClassVar[frozenset[str]] = frozenset()
    """Operations that are steps of this one where they are made inside it, though all else there is part of it."""
    by_hand: ClassVar[bool] = False
    """Whether the application itself says where it begins and ends: inside, only the same operation is part of it."""
    measures: ClassVar[str] = ""
    """Which metrics it has, a key of `instruments.MEASURES`; by default its operation's."""
    hands_over: ClassVar[Sequence[str]] = ()
    """The fields that the operation around it gets where this one is what that one does (`joins`), beside `extra`."""
    binary: ClassVar[bool] = False
    """Whether its replies are bytes of a picture or of sound: `fold` gets their blocks where the caller reads them."""
    pauses: ClassVar[frozenset[str]] = frozenset()
    """Exceptions, by the names of their classes, that only interrupt it, to be resumed or to hand over: no errors."""
    params: ClassVar[Mapping[str, str]] = {}  # field of Operation, or an attribute's name → path in the request, or
    # several, " | " between them, of which the last one that is there counts
    results: ClassVar[Mapping[str, str]] = {}  # the same → path in the response
    constants: ClassVar[Mapping[str, AttributeValue]] = {}  # attribute's name → what it always is here

    def __init__(self) -> None:
        self._params, self._results = _compiled(self.params), _compiled(self.results)

    def request(self, op: Operation, body: Any) -> None:
        """Fill `op` from the request's parameters."""
        op.extra.update(self.constants)
        _read(op, body, self._params)

    def span_name(self, op: Operation) -> str:
        """`{operation} {what it is about}`, as the conventions want it."""
        return named(op)

    def joins(self, around: Operation, body: Any) -> bool:
        """Whether the operation that is running around it is this very one, so that it has no span of its own."""
        del around, body
        return False

    def error(self, op: Operation, error: BaseException) -> str | None:
        """The `error.type` of what was raised, which may also say more of `op`; None: the name of its class."""
        del op, error
        return None

    def request_content(self, op: Operation, body: Any) -> None:
        """Fill `op.system`, `op.input` and `op.tools`. Called only where content is captured."""

    def response(self, op: Operation, body: Any) -> None:
        """Fill `op` from the final response, or from what `fold` made of the chunks so far."""
        _read(op, body, self._results)

    def response_content(self, op: Operation, body: Any) -> None:
        """Fill `op.output`. Called only where content is captured."""

    def scores(self, body: Any) -> Iterable[Any] | None:
        """Of a retrieval, for each document found its score, or None; nothing of its content. None: it tells none
        without reading content, and its documents are counted where that is captured."""
        del body
        return None

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


class _Step(NamedTuple):
    """One name inside a request or response, and what is read there: a value, or the steps below."""

    name: str
    below: tuple[_Step, ...]
    field: str
    kind: type
    own: bool
    """Whether only one provider has it, so that it is no field but an attribute's name."""


def _compiled(table: Mapping[str, str]) -> tuple[_Step, ...]:
    """The table as a tree, so that each object inside a reply is taken into the hand once."""
    return _steps([(path.split("."), field) for field, either in table.items() for path in either.split(" | ")])


def _steps(paths: list[tuple[list[str], str]]) -> tuple[_Step, ...]:
    below: dict[str, list[tuple[list[str], str]]] = {}
    for (name, *rest), field in paths:
        below.setdefault(name, []).append((rest, field))
    return tuple(
        _Step(name, _steps([path for path in inner if path[0]]), field, FIELD_TYPES.get(field, str), "." in field)
        for name, inner in below.items()
        for field in [inner[0][1]]
    )


def _read(op: Operation, source: Any, steps: tuple[_Step, ...]) -> None:
    known, fields = members(source), op.__dict__
    for step in steps:
        value = known.get(step.name)
        if value is None:
            continue
        if step.below:
            _read(op, value, step.below)
        elif type(value) is step.kind or (value := fitting(value, step.kind)) is not None:
            target: dict[str, Any] = op.extra if step.own else fields
            target[step.field] = value


class Route(NamedTuple):
    """A call that is a GenAI operation: who reads it, its request body, and where it goes."""

    reader: Reader
    body: Any
    provider: str | None
    address: str | None = None
    port: int | None = None
    carrier: Mapping[str, str] | None = None
    """Where the caller's trace context came with the request; only servers have one."""
    again: Running | None = None
    """The operation, `lasting` since an earlier call, that this call goes on with; None, or it has ended: a new one."""


Kind: TypeAlias = Literal[
    "call", "verdict", "retry", "attempt", "answer", "native", "seen", "failure", "step", "close", "inside"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patch:
    """One point to patch, `module:Class.method` or `module:function`, by what happens there.

    `call`: an operation to record. `verdict`: the client judges a response that failed. `retry`: it computes how long
    it waits before it tries again. `attempt`: it makes one attempt, and is called anew for the next one. `answer`: it
    is given an HTTP response by the name of `response`, or gives one, whose headers may tell of rate limits. `native`:
    it opens its own span, and goes without one where it gets None instead. `seen`: no operation, but what it gives says
    something of one, or of several; the adapter is told of it. `failure`: it is given an attempt's error, to make
    another one of it. `step`: it gives the next item of a stream that is the client's own, of which `Running.steps`
    was told. `close`: it closes such a stream. `inside`: it is a later part of an operation, which the adapter knows.
    """

    point: str
    kind: Kind = "call"
    optional: bool = False
    """Whether some supported versions go without it, so that its absence is no news."""
    late: bool = False
    """Whether its module is patched only when the application imports that one, too."""
    instead: Callable[..., Any] | None = None
    """Of `native`: makes of the same arguments what the client gets instead of None; `NotImplemented`: let it be."""
    failed: Callable[[Any], int | BaseException | None] | None = None
    """Of `attempt`: finds in what it gives the HTTP status or error of one that failed without raising. Of `failure`:
    finds that in its `Call`, and so does that of `retry`, for a client that raises nothing before it tries again."""


class Running(Protocol):
    """What an adapter may do with a running operation when it delivers the result."""

    reader: Reader
    """Who reads it."""
    op: Operation
    """What is known of it."""

    def finish(self, body: Any = None) -> None:
        """The operation ended well, with this response, or with the chunks seen so far."""

    def watched(self, chunks: Any) -> Any:
        """The same iterator, sync or async, seen by the recorder; the operation ends when it does."""

    def replaced(self, generator: Any) -> Any:
        """A generator of the same kind, sync or async, seen by the recorder, for the caller to get instead of it.

        Each of its steps runs inside the operation, so that what a client does only then belongs to it."""

    def steps(self, stream: Any) -> None:
        """The operation ends with this stream, whose own class has its steps patched."""

    def watched_bytes(self, blocks: Callable[..., Any]) -> Callable[..., Any]:
        """The same method returning an iterator of bytes, whose JSON or event stream the recorder decodes."""

    def watched_reads(self, made: Callable[[bytes], Any], size: int | None = None) -> Callable[..., Any]:
        """What makes of a file-like body's `read` or `readinto`, sync or async, the same method, seen by the recorder.
        `made` makes the reply of all the bytes, `size` of them if that is known; the last of them ends it."""

    def seen(self, body: Any) -> None:
        """This reply came; what the client makes of it may still raise."""

    def limits(self, headers: Any) -> None:
        """An answer came with these HTTP headers, of `httpx` or any mapping of texts: they may tell of rate limits."""

    def dropped(self) -> None:
        """The caller let go of the result; nothing happens when it had ended before."""

    def closed(self) -> None:
        """The caller closed the stream; nothing happens when it had ended before."""

    def last(self) -> None:
        """It goes on with a later call, which is routed to it `again`, at the longest until what is around it ends."""

    def fail(self, error: BaseException) -> None:
        """The operation ended with this error, which the caller learns of in some other way."""

    def forget(self) -> None:
        """It was no call of a model after all; only what gives way can be forgotten."""


class Adapter:
    """One client library, listed in `adapters/__init__.py`. Subclasses override the tables and what differs."""

    patches: ClassVar[Iterable[Patch]]
    holds_managers: ClassVar[bool] = False
    """Whether a function that makes an `async with` is an operation until that is left; `deliver` then gets what
    entering it gives, else the manager."""
    coarse: ClassVar[frozenset[str]] = frozenset()
    """Exceptions, by the names of their classes, that stand for refusals of all kinds: their HTTP status says which."""

    def refusal(self, error: BaseException) -> str | None:
        """The HTTP status of a `coarse` error, which is its `error.type` then; None: of any other one."""
        if type(error).__name__ not in self.coarse:
            return None
        response = getattr(error, "response", None)
        told = (getattr(one, name, None) for one in (error, response) for name in ("status_code", "code"))
        return next((str(status) for status in told if isinstance(status, int) and 100 <= status < 600), None)

    def route(self, call: Call) -> Route | None:
        """How to read this call; None: not a GenAI operation."""
        raise NotImplementedError

    def prepare(self, call: Call, running: Running) -> None:
        """Arrange what has to be seen inside the call, before it is made."""

    def deliver(self, result: Any, running: Running) -> Any:
        """Tell `running` of the result, whatever its shape, and give what the caller gets: the very object that the
        client gave, or in the place of a generator `running.replaced(result)`."""
        running.finish(result)
        return result

    def saw(self, call: Call, result: Any, running: Running | None) -> None:
        """A `seen` point gave this result, inside the operation of this adapter that is running, if one is."""

    def inside(self, call: Call) -> Running | None:
        """The operation, begun before, that what is done in an `inside` point belongs to, and a call inside of which
        none is running; None: there is none but the one that runs."""
        del call
        return None

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> tuple[Any, ...] | None:
        """Send `body` instead, if not None, and `headers` besides; asked for only where the owner opted in.

        What cannot be changed in place goes by the positional arguments to call with instead, if these are returned."""
