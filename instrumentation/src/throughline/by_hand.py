"""Records what the application itself says is an operation, from a `with` to its end. What it is: its reader says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import context

from throughline import instrumentor
from throughline.adapter import Reader, Route
from throughline.contained import contained


@contextmanager
def recorded(reader: Reader, body: Any, provider: str | None = None) -> Iterator[None]:
    """What runs inside is one operation, read from `body` at its start and at its end; it may await, but not yield.

    Spans made inside become its children. An exception ends it as failed and passes unchanged. Nothing is recorded
    where Throughline is off.
    """
    active = instrumentor.recorder()
    recording = contained(active.start, Route(reader, body, provider)) if active is not None else None
    if recording is None:
        yield
        return
    inside, elsewhere = recording.inside(), False
    token = context.attach(inside)
    try:
        yield
    except GeneratorExit:  # of a generator around it, perhaps thrown in by whoever freed that, in his context
        elsewhere = context.get_current() is not inside
        recording.closed()
        raise
    except BaseException as error:
        recording.fail(error)
        raise
    finally:
        if not elsewhere:
            context.detach(token)
        recording.finish(body)
