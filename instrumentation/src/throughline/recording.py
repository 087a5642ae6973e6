"""One operation from its start to its only end. It becomes telemetry in `emission.py`."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from throughline import emission, endings, foreign, rate_limits
from throughline.adapter import Adapter, Reader, Route
from throughline.contained import contained, lost
from throughline.identity import RUNNING, carried, stamp_all_spans
from throughline.operation import Operation, forget_content, inherit, leave_out_defaults, start_attributes
from throughline.own_streams import own
from throughline.reads import Reads
from throughline.replies import learn, pace
from throughline.stepping import stepped, stepped_async
from throughline.streams import ByteFeed, Generator, Watched, Watcher, watch, watch_generator
from throughline.totals import MODEL_CALLS, Totals

if TYPE_CHECKING:
    from throughline.recorder import Recorder

_SUPPRESS_HTTP = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY
_SPAN = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))  # the API sets it at twice our cost
_KINDS = {"client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL, "server": SpanKind.SERVER}

_W = TypeVar("_W")


class Recording:
    """One operation. Whatever ends it first ends it: its result, an error, a close, or the loss of its stream."""

    __slots__ = (
        "__weakref__", "_body", "_clock", "_known", "_message", "_outer", "_recorder", "_watched", "adapter", "again",
        "amended", "attempts", "context", "done", "failed", "forks", "gave_way", "hides", "lasting", "op", "reader",
        "refused", "span", "span_is_ours", "started", "times", "totals", "whole",
    )  # fmt: skip

    def __init__(self, recorder: Recorder, route: Route, current: Context, outer: Recording | None) -> None:
        self._recorder, self.reader, self._body = recorder, route.reader, route.body
        self.adapter: Adapter | None = None  # None: the application records it by itself
        self.whole: dict[str, Any] = {}
        self.times: list[float] = []
        self._message, self.attempts, self.done, self.gave_way, self.forks = "", 0, False, False, endings.forks[0]
        self.refused: int | None = None  # the HTTP status of the attempt that failed last
        self.failed: tuple[str | int, float] | None = None  # what the last attempt failed with, and when
        self.again: float | None = None  # when the last attempt began, if there were several, by the clock of `times`
        self.amended: tuple[Any, ...] | None = None  # the positional arguments to call with instead
        self.hides: Callable[[Any], bool] | None = None
        self._watched: weakref.ref[Any] | None = None
        self._outer: Recording | None = outer if outer is None or outer.reader.encloses else outer._outer
        if RUNNING in current:  # what is started inside may last for ever, and would keep each operation around it
            current = Context({key: value for key, value in current.items() if key != RUNNING})
        self.totals = Totals() if route.reader.encloses else None
        self.lasting: tuple[Recording, ...] = ()  # operations inside that wait for a later call
        if route.carrier:
            current = contained(propagate.extract, route.carrier, current) or current
        self.op = self._asked(route, current)
        self.span: Span = trace.INVALID_SPAN
        self.context, self._known = current, dict[str, Any]()
        self.started, self._clock = time_ns(), perf_counter()
        self.span_is_ours = route.reader.encloses or not foreign.records_already(current)
        if not self.reader.gives_way:
            self._open_span(current)

    def _asked(self, route: Route, current: Context) -> Operation:
        """The operation, as far as its request tells of it."""
        op = Operation()
        op.name, op.provider = route.reader.operation, route.provider
        op.server_address, op.server_port = route.address, route.port
        if current:
            op.__dict__.update(carried(current))
        contained(route.reader.request, op, route.body)
        if self._outer is not None:
            inherit(op, self._outer.op)
        leave_out_defaults(op)
        if self._recorder.reads_prompts:
            contained(route.reader.request_content, op, route.body)
        return op

    def _open_span(self, current: Context) -> None:
        """The span is there for what is done inside; one that may give way waits for its end."""
        self._known = start_attributes(self.op)
        if not self.span_is_ours:
            self.span = trace.get_current_span(current)
            return
        stamp_all_spans()
        name = contained(self.reader.span_name, self.op) or str(self.op.name)
        self.span = span = self._recorder.tracer.start_span(
            name, current, _KINDS[self.reader.kind], self._known, start_time=self.started
        )
        self.context = Context({**current, _SPAN: span})

    # --- what is done inside ----------------------------------------------------------------------------------------

    @property
    def is_whole(self) -> bool:
        """Whether all that is called inside is part of it, and none an operation of its own."""
        return not (self.reader.encloses or self.reader.gives_way)

    @property
    def is_closed(self) -> bool:
        """Whether that is so of everything, whatever it is."""
        return self.is_whole and not (self.reader.apart or self.reader.by_hand)

    @property
    def _is_call(self) -> bool:
        """Whether it is one request, so that what an answer's headers tell is of it."""
        return not (self.reader.encloses or self.reader.by_hand)

    def contains(self, inner: Reader) -> bool:
        """Whether an operation that begins inside, read by `inner`, is part of this one and none of its own."""
        if self.reader.by_hand:
            return _same(self.reader.operation, inner.operation)
        return self.is_whole and inner.operation not in self.reader.apart

    def holds(self, inner: Reader) -> None:
        """An operation begins inside, read by `inner`: where it is the same as this one, this one gives way to it."""
        if self.reader.gives_way and _same(self.reader.operation, inner.operation):
            self.gave_way = True

    def inside(self) -> Context:
        """The context in which a client makes its call. Not kept: it leads back here, and only the collector of cyclic
        garbage would free the two."""
        if self.is_whole and not self.reader.by_hand:
            return Context({**self.context, RUNNING: self, _SUPPRESS_HTTP: True})
        return Context({**self.context, RUNNING: self})

    def given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional arguments to make the call with: the application's, unless they were amended."""
        given, self.amended = self.amended, None
        return args if given is None else given

    def learn(self, known: Mapping[str, Any]) -> None:
        """Whom and which prompt it is about, by fields of the operation, was said only inside it, as on its span."""
        if not self.done:
            self.op.__dict__.update(known)

    # --- while it runs ----------------------------------------------------------------------------------------------

    @property
    def fold(self) -> Callable[[dict[str, Any], Any], None]:
        """What adds a stream's chunk to what is known of the reply: asked for once a stream, called once a chunk."""
        return self._fold_all if self._recorder.reads_content else self.reader.fold

    def _fold_all(self, whole: dict[str, Any], chunk: Any) -> None:
        self.reader.fold_content(whole, chunk)
        self.reader.fold(whole, chunk)

    def chunk(self, chunk: Any) -> None:
        """Take note of a chunk that was found in a stream of bytes."""
        self.times.append(perf_counter())
        contained(self.fold, self.whole, chunk)

    def watched(self, chunks: Any) -> Watched:
        """The same iterator, seen by this recording, which ends with it."""
        return self._open(watch(chunks, self))

    def replaced(self, generator: Any) -> Generator:
        """A generator of the same kind, whose steps run inside this operation, which ends with it."""
        steps = stepped_async if hasattr(generator, "__anext__") else stepped
        return self._open(watch_generator(steps(generator, self.inside(), only_first=self.is_whole), self))

    def steps(self, stream: Any) -> None:
        """The steps of a stream of the client's own are this operation's, which ends with it."""
        own(stream, self)

    def watched_bytes(self, blocks: Callable[..., Any]) -> Callable[..., Any]:
        """`iter_bytes` or `aiter_bytes` of an HTTP response, whose blocks are decoded beside the caller."""

        def observed(*args: Any, **kwargs: Any) -> Watched:
            return self._open(watch(blocks(*args, **kwargs), self.byte_feed()))

        return observed

    def byte_feed(self) -> Watcher:
        """A watcher of this operation's HTTP body."""
        return ByteFeed(self, streaming=bool(self.op.stream))

    def watched_reads(self, made: Callable[[bytes], Any], size: int | None = None) -> Callable[..., Any]:
        """What puts the watch on a `read` of a file-like body, of which `made` makes the reply once all was read."""
        return self._open(Reads(self, made, size))

    def _open(self, watched: _W) -> _W:
        self._watched = weakref.ref(watched)  # weakly, so that its loss is seen at once
        endings.opened(self)
        return watched

    def seen(self, body: Any) -> None:
        """The reply, before the client is done with it, in the shape of a stream's chunks put together."""
        if not self.done:
            self.whole = body

    def limits(self, headers: Any) -> None:
        """An answer came with these HTTP headers, which may tell of the provider's rate limits."""
        if headers is not None and not self.done and self._is_call:
            contained(rate_limits.note, self.op, headers)

    def deliver(self, adapter: Adapter, result: Any) -> Any:
        """Learn the result from the adapter; where it cannot read it, the operation ends here, without one."""
        try:
            return adapter.deliver(result, self)
        except Exception as error:
            lost(adapter.deliver, error)
            self.finish({})
            return result

    # --- how it ends ------------------------------------------------------------------------------------------------

    def finish(self, body: Any = None) -> None:
        """It ended well, with this response or with the chunks seen so far."""
        self._end("completed", body)

    def forget(self) -> None:
        """It was no call of a model after all, as a cache's answer is none."""
        self.gave_way = self.reader.gives_way
        self._end("completed")

    def last(self) -> None:
        """It goes on with a later call; without an operation around it nobody would end it, so it ends here."""
        if self._outer is None or self._outer.done:
            self._end("completed")
        elif self not in self._outer.lasting:
            self._outer.lasting = (*self._outer.lasting, self)

    def fail(self, error: BaseException) -> None:
        """It ended with `error`, which the caller gets untouched."""
        if self.reader.pauses and any(kind.__name__ in self.reader.pauses for kind in type(error).__mro__):
            self._end("interrupted")
            return
        if not self.done:
            self.op.error_type = contained(self._named, error) or type(error).__qualname__
            self._message = contained(str, error) or ""
            if self._is_call:
                contained(rate_limits.note_error, self.op, error)
        asyncio = sys.modules.get("asyncio")  # whose import costs more than all of ours; who cancels has it already
        self._end("cancelled" if asyncio and isinstance(error, asyncio.CancelledError) else "error")

    def _named(self, error: BaseException) -> str | None:
        return self.reader.error(self.op, error) or (self.adapter.refusal(error) if self.adapter else None)

    def closed(self) -> None:
        """The caller closed the stream. A close from within, at the stream's own end, is not his."""
        watched = self._watched() if self._watched else None
        if not (getattr(watched, "gi_running", False) or getattr(watched, "ag_running", False)):
            self._end("closed")

    def left(self) -> None:
        """The caller is done with the stream: a generator that nobody holds was let go of, any other one closed."""
        self._end("dropped" if self._watched is None or self._watched() is None else "closed")

    def dropped(self) -> None:
        """The caller let go of the stream."""
        self._end("dropped")

    def _end(self, reason: str, body: Any = None) -> None:
        if self.done:
            return
        self.done = True
        for inner in self.lasting:
            inner.op.error_type = inner.op.error_type or (None if inner.done else self.op.error_type)
            inner._end(reason)
        self.lasting = ()
        endings.ended(self)
        duration = perf_counter() - self._clock
        if endings.in_collector():
            endings.later(partial(self._conclude, reason, body, duration))
        else:
            self._conclude(reason, body, duration)

    def _conclude(self, reason: str, body: Any, duration: float) -> None:
        if not self.gave_way:
            contained(self._read, reason, body)
            contained(pace, self.op, self.times, self.again or self._clock, self._clock + duration)
            if self.reader.gives_way:
                contained(self._open_span, self.context)
            contained(self._emit, duration)
            if self.span_is_ours:
                contained(self.span.end, self.started + int(duration * 1e9))
        self._let_go()

    def _let_go(self) -> None:
        """Keep nothing large: a thread or a task begun inside keeps its context, and with it this, while it runs."""
        self._body, self.whole, self.times, self._message = None, {}, [], ""
        self._outer = self.totals = self.amended = self.hides = None
        if self._recorder.reads_prompts:
            forget_content(self.op)

    def _read(self, reason: str, body: Any) -> None:
        op = self.op
        op.end_reason = reason
        if self.attempts:
            op.attempt_count = self.attempts + 1
        if self.times:
            op.time_to_first_chunk = self.times[0] - self._clock
        learn(self._recorder, self.reader, op, self.whole if body is None else body, self.started / 1e9)
        if op.error_type and reason == "completed":  # the provider says so in an answer that arrived whole
            op.end_reason = "error"
        if self.totals is not None:
            contained(self.totals.fill, op)
        around = self._outer.totals if self._outer is not None else None
        if around is not None:
            contained(around.add, op, self.totals, self.reader)

    def _emit(self, duration: float) -> None:
        emission.emit(self._recorder, self, self._known, self._message, duration)


def _same(operation: str, other: str) -> bool:
    return operation == other or (operation in MODEL_CALLS and other in MODEL_CALLS)
