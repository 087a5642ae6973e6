"""Every client as its tests know it: a small call and a stream of 200 chunks, made of the first exchange of its tests.

The client is the real one on a transport that answers from memory. Its rival is the one of the differential oracle.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from functools import cache, partial
from pathlib import Path
from typing import Any

from subjects import Subject, Workload, exhaust

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests, whose clients these are
from instrumentation.oracle.rivals import RIVALS, Rival
from instrumentation.scenarios import Client, answering
from throughline import names
from throughline.adapters import CLIENTS

CHUNKS = 200
_FRAMEWORKS = (
    "langgraph",
    "mcp",
    "openai_agents",
)  # whose tests have no exchanges: what they add is their clients' calls
_MEASURED = {
    **{name: rival for name, rival in RIVALS.items() if name not in _FRAMEWORKS and not rival.native},
    "elasticsearch": RIVALS["elasticsearch-native"],
    "huggingface_hub": Rival("", "huggingface_hub_client.wire:HuggingFace"),
}
_BELOW = ("httpx", "httpcore", "urllib3", "aiohttp", "requests")
_asked = {"stream": False}
os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"  # its client traces itself, which would make the plain call dearer


def names_of_clients() -> list[str]:
    """The clients that have exchanges to measure with."""
    return [client.name for client in CLIENTS if client.name in _MEASURED]


def has_rival(name: str) -> bool:
    """Whether another package records this client, too."""
    return not _MEASURED[name].native


def overlays_of(name: str, *, rival: bool) -> list[Path]:
    """What has to stand on the path beside the project's environment; `make clients` installs it."""
    folders = [*(["oracle"] if rival else []), *_MEASURED[name].overlays]
    return [Path(__file__).parents[2] / ".parts" / "clients" / folder for folder in folders]


def subject_of(name: str) -> Subject:
    """The client's small call and, where it has streams, its long one."""
    kit: Client = _MEASURED[name].families()[0]
    modes = tuple(mode for mode in (False, True) if not mode or "async" in kit.offers)
    (modules,) = [client.modules for client in CLIENTS if client.name == name]
    packages = tuple({module.partition(".")[0] for module in modules})
    return Subject(tuple(_workloads(kit)), partial(_make, kit), (*packages, *_BELOW), modes)


def rival_of(name: str) -> Callable[[bool], None]:
    """What switches the rival on."""

    def switch_on(content: bool) -> None:
        mode = "SPAN_ONLY" if content else "NO_CONTENT"
        os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = mode
        os.environ["TRACELOOP_TRACE_CONTENT"] = str(content).lower()
        for instrumentor in _MEASURED[name].instrumentors():
            instrumentor.instrument(skip_dep_check=True)

    return switch_on


def _workloads(kit: Client) -> list[Workload]:
    recorded = kit.exchange.recorded
    operation = str(recorded[names.OPERATION_NAME])
    counts = {"input": names.USAGE_INPUT_TOKENS, "output": names.USAGE_OUTPUT_TOKENS}
    tokens = tuple(kind for kind, name in counts.items() if name in recorded)
    request = kit.exchange.request

    def whole(api: Any) -> Any:
        _asked["stream"] = False
        return _run(kit.call("reply", api, request))

    def whole_async(api: Any) -> Any:
        _asked["stream"] = False
        return kit.call("async reply", api, request)

    def stream(api: Any) -> Any:
        _asked["stream"] = True
        return kit.stream(api, request)

    found = [Workload("call", whole, 5, operation, tokens, call_async=whole_async)]
    if "stream" in kit.offers:
        found.append(Workload(f"stream {CHUNKS}", stream, 1, operation, tokens, streamed=True))
    return found


def _make(kit: Client, *, asynchronous: bool) -> Any:
    """A client whose server answers whole or in chunks, as it is asked: some tests share one between all clients."""
    whole = kit.answer(kit.exchange, streamed=False)
    chunks = _long(kit) if "stream" in kit.offers else []
    stream = _in_chunks(kit, chunks)
    return kit.api(answering(lambda: stream() if _asked["stream"] else whole()), asynchronous=asynchronous)


def _in_chunks(kit: Client, chunks: list[Any]) -> Callable[[], Any]:
    return lambda: kit.event_stream(kit.events(chunks))


@cache  # once, because some tests' clients share one server
def _long(kit: Client) -> list[Any]:
    """The exchange's chunks with one of them, of the middle, so often that there are 200."""
    own = list(kit.exchange.chunks)
    for at in sorted(range(len(own)), key=lambda index: abs(index - len(own) // 2)):
        chunks = [*own[:at], *[own[at]] * (CHUNKS - len(own) + 1), *own[at + 1 :]]
        try:
            exhaust(kit.stream(kit.api(answering(_in_chunks(kit, chunks))), kit.exchange.request))
        except Exception:  # noqa: S112 - a chunk that may not come twice; another one may
            continue
        return chunks
    raise LookupError(f"no chunk of {type(kit).__name__} may be repeated")


def _run(call: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing, as the tests' calls of synchronous clients are."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a synchronous call waited")
