"""What is measured: how a call is made, and the client that makes it. No client is imported here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Workload:
    """One row: how to call, and what the conventions want recorded of that call."""

    name: str
    call: Callable[[Any], Any]
    calls: int
    """How many make one measurement: enough to rise above the clock, few enough for many rounds."""
    operation: str = "chat"
    token_types: tuple[str, ...] = ("input", "output")
    streamed: bool = False
    call_async: Callable[[Any], Any] | None = None
    """How to call an asynchronous client, where it is not the same; what it gives is awaited."""

    def way(self, *, asynchronous: bool) -> Callable[[Any], Any]:
        return self.call_async or self.call if asynchronous else self.call


class Subject(NamedTuple):
    """The client whose tracing is measured."""

    workloads: tuple[Workload, ...]
    make_client: Callable[..., Any]
    """Takes `asynchronous`; gives a new client, because some tracers look at clients as they are made."""
    modules: tuple[str, ...]
    """Packages in which a tracer may have changed something."""
    modes: tuple[bool, ...] = (False, True)
    """Synchronous, asynchronous."""


def exhaust(stream: Any) -> None:
    """What the application does with a stream."""
    for _chunk in stream:
        pass


async def exhaust_async(stream: Any) -> None:
    """The same, with an async one."""
    async for _chunk in stream:
        pass
