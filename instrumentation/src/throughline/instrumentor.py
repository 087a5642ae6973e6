"""Switching it on and off: patches what is imported, waits for what is not, and puts the originals back by identity.

What is needed only to do that is imported only then: `import throughline` costs an application that stays off nothing.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from opentelemetry import _logs, metrics, trace

from throughline.adapter import Adapter, Patch
from throughline.adapters import CLIENTS, Client
from throughline.attempts import answer_driver, attempt_driver, failure_driver, retry_driver, verdict_driver
from throughline.contained import contained
from throughline.drivers import call_driver, native_driver, seen_driver
from throughline.evidence import journal_of
from throughline.identity import SCOPE, stamp_all_spans
from throughline.instruments import Instruments
from throughline.managed import inside_driver
from throughline.own_streams import close_driver, step_driver
from throughline.recorder import Recorder
from throughline.settings import Settings
from throughline.version import __version__

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Patched:
    """One point that is patched now."""

    point: str
    owner: Any
    name: str
    original: Any
    driver: Any

    def restore(self) -> None:
        """Put the original back, unless somebody patched over it; then our driver stays below and records nothing."""
        own = getattr(self.owner, self.name) if self.name == "__wrapped__" else vars(self.owner).get(self.name)
        if own is self.driver:
            setattr(self.owner, self.name, self.original)
        else:
            _log.warning(
                "%s was patched by somebody else since; Throughline's patch stays below, switched off", self.point
            )


@dataclass(slots=True)
class _State:
    """What is switched on in this process."""

    recorder: Recorder | None = None
    patched: dict[str, list[_Patched]] = field(default_factory=dict)  # client's name → its points
    missing: dict[str, list[str]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)  # those of them that were warned of
    awaited: set[tuple[str, str]] = field(default_factory=set)  # module whose import we hooked, and why; once a process
    threads_are_ours: bool = False  # we switched on the context in threads, so we switch it off


_state = _State()


def recorder() -> Recorder | None:
    """The recorder that is on, or None."""
    return _state.recorder


def instrument(
    *,
    settings: Settings | None = None,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    logger_provider: _logs.LoggerProvider | None = None,
) -> None:
    """Record the calls of every supported client, imported already or later. A second call changes nothing.

    Threads and executors keep the trace of who started them, as they do under `opentelemetry-instrument`.
    Providers default to OpenTelemetry's global ones, also when these are set afterwards; none is ever replaced.
    Raises ValueError for an environment variable that makes no sense, naming it and what it may be.
    """
    _carry_context_into_threads()
    start(settings or Settings.from_environment(), tracer_provider, meter_provider, logger_provider)


def _carry_context_into_threads() -> None:
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    threads = ThreadingInstrumentor()
    if not threads.is_instrumented_by_opentelemetry:
        threads.instrument()
        _state.threads_are_ours = True


def start(
    settings: Settings,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    logger_provider: _logs.LoggerProvider | None = None,
) -> None:
    """Patch without touching threads, which `opentelemetry-instrument` sees to by itself."""
    if _state.recorder is not None:
        return
    meter = metrics.get_meter(SCOPE, __version__, meter_provider)
    _state.recorder = Recorder(
        trace.get_tracer(SCOPE, __version__, tracer_provider),
        Instruments(meter),
        _logs.get_logger(SCOPE, __version__, logger_provider),
        settings,
        journal_of(settings, logger_provider, meter),
    )
    stamp_all_spans(tracer_provider)
    for client in CLIENTS:
        if client.name not in settings.disabled_clients:
            for module in client.modules:
                _when_imported(module, client.name, partial(_patch_all, client))


def uninstrument() -> None:
    """Put every original back. Calls that are running end as they began."""
    for points in _state.patched.values():
        for patched in points:
            patched.restore()
    _state.patched.clear()
    _state.missing.clear()
    _state.told.clear()
    if _state.recorder is not None:
        _state.recorder.close()
        _state.recorder = None
    if _state.threads_are_ours:
        from opentelemetry.instrumentation.threading import ThreadingInstrumentor

        ThreadingInstrumentor().uninstrument()
        _state.threads_are_ours = False


def _when_imported(module: str, purpose: str, act: Callable[[], None]) -> None:
    """Act now, or when the application imports the module: what it does not use is not imported."""
    if module in sys.modules:
        contained(act)
    elif (module, purpose) not in _state.awaited:
        _state.awaited.add((module, purpose))
        import wrapt

        wrapt.register_post_import_hook(lambda _module: contained(act), module)


def _patch_all(client: Client) -> None:
    active = _state.recorder
    if active is None or client.name in _state.patched or client.name in active.settings.disabled_clients:
        return
    _state.patched[client.name] = []
    adapter = client.load()
    for patch in adapter.patches:
        if patch.late:
            _when_imported(patch.point.partition(":")[0], patch.point, partial(_patch_late, client, adapter, patch))
        else:
            _patch(client, adapter, patch, active)
    _tell_missing(client)


def _patch_late(client: Client, adapter: Adapter, patch: Patch) -> None:
    active, points = _state.recorder, _state.patched.get(client.name)
    if active is not None and points is not None and all(patched.point != patch.point for patched in points):
        _patch(client, adapter, patch, active)
        _tell_missing(client)


def _tell_missing(client: Client) -> None:
    if missing := [point for point in _state.missing.get(client.name, ()) if point not in _state.told]:
        _state.told.update(missing)
        points = ", ".join(missing)
        _log.warning("%s %s has no %s: what passes there is not recorded", client.name, _version(client), points)


def _version(client: Client) -> str | None:
    import importlib.metadata  # slow, and asked for when something is wrong or somebody looks

    try:
        return importlib.metadata.version(client.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _patch(client: Client, adapter: Adapter, patch: Patch, active: Recorder) -> None:
    import wrapt

    module, _, path = patch.point.partition(":")
    try:
        owner, name, original = wrapt.resolve_path(module, path)
    except (ImportError, AttributeError):
        if not patch.optional:
            _state.missing.setdefault(client.name, []).append(patch.point)
        return
    driver = _driver(adapter, patch, active, original, method=isinstance(owner, type))
    setattr(owner, name, driver)
    _state.patched[client.name].append(_Patched(patch.point, owner, name, original, driver))
    for wrapper in _wrappers(owner, name, original):
        wrapper.__wrapped__ = driver
        _state.patched[client.name].append(_Patched(patch.point, wrapper, "__wrapped__", original, driver))


def _wrappers(owner: Any, name: str, original: Any) -> Iterator[Any]:
    """Other tracers' wrappers that subclasses have had since before: they lead to the original, past our patch."""
    import wrapt

    subclasses: list[type] = owner.__subclasses__() if isinstance(owner, type) else []
    for subclass in subclasses:
        outer = vars(subclass).get(name)
        while isinstance(outer, wrapt.FunctionWrapper):
            if outer.__wrapped__ is original:
                yield outer
            outer = outer.__wrapped__
        yield from _wrappers(subclass, name, original)


_PLAIN_DRIVERS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "verdict": verdict_driver,
    "answer": answer_driver,
    "step": step_driver,
    "close": close_driver,
}
"""Kind of a patch → what makes its driver of the original alone."""


def _driver(
    adapter: Adapter, patch: Patch, active: Recorder, original: Callable[..., Any], *, method: bool
) -> Callable[..., Any]:
    if make := _PLAIN_DRIVERS.get(patch.kind):
        return make(original)
    match patch.kind:
        case "retry":
            return retry_driver(original, patch.failed)
        case "attempt":
            return attempt_driver(original, patch.failed)
        case "failure":
            return failure_driver(original, patch.failed)
        case "native":
            return native_driver(original, adapter, patch.instead)
    point = patch.point.partition(":")[2]
    if patch.kind == "inside":
        return inside_driver(original, adapter, point, method=method)
    if patch.kind == "seen":
        return seen_driver(original, adapter, point, method=method)
    return call_driver(active, adapter, original, point, method=method)


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """How one client stands, for `throughline doctor`."""

    client: str
    version: str | None
    """None: not installed."""
    oldest: str
    """The oldest version that is tested."""
    state: str
    """`patched`, `waiting for its import`, `disabled`, `partly patched`, `off` or `not installed`."""
    points: tuple[str, ...]
    missing: tuple[str, ...]


def status() -> list[ClientStatus]:
    """Every supported client, installed or not."""
    return [_client_status(client) for client in CLIENTS]


def _client_status(client: Client) -> ClientStatus:
    version = _version(client)
    points = tuple(dict.fromkeys(patched.point for patched in _state.patched.get(client.name, ())))
    missing = tuple(_state.missing.get(client.name, ()))
    return ClientStatus(client.name, version, client.oldest, _state_of(client, version, missing), points, missing)


def _state_of(client: Client, version: str | None, missing: tuple[str, ...]) -> str:
    if version is None:
        return "not installed"
    if _state.recorder is None:
        return "off"
    if client.name in _state.recorder.settings.disabled_clients:
        return "disabled"
    if client.name not in _state.patched:
        return "waiting for its import"
    return "partly patched" if missing else "patched"
