"""Starts parts in the order of their dependencies, notices when one ends, stops them in reverse; it names none."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path

from native.part import MissingError, Part
from native.process import ChildProcess

POLL_SECONDS = 0.1


class State(Enum):
    """Where a part stands; reported to whoever watches."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


Report = Callable[[Part, State, float], None]


def silent(part: Part, state: State, seconds: float) -> None:
    """Report to nobody."""


class PartFailedError(Exception):
    """A part ended or was not ready in time; the message names it and ends with the tail of its log."""

    def __init__(self, part: Part, what: str, process: ChildProcess) -> None:
        super().__init__(f"{part.name} {what}; the end of {process.log}:\n{process.tail()}")
        self.part = part


class Supervisor:
    """Owns the child processes. One thread only: the kernel counts the starting thread's end as the parent's death."""

    def __init__(
        self,
        parts: Iterable[Part],
        logs: Path,
        *,
        environment: Mapping[str, str] | None = None,
        report: Report = silent,
    ) -> None:
        self._parts = {part.name: part for part in parts}
        self._logs = logs
        self.environment = dict(os.environ if environment is None else environment)
        self._report = report
        self._running: dict[str, ChildProcess] = {}
        self._ready: set[str] = set()
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def parts(self) -> Mapping[str, Part]:
        """All that it could start, by name."""
        return self._parts

    @property
    def processes(self) -> Mapping[str, int]:
        """Process ids of the parts that run."""
        return {name: process.pid for name, process in self._running.items()}

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start the named parts and all they need, each as early as it can be; return when all are ready."""
        pending = self._with_dependencies(self._parts if names is None else names) - self._ready
        while pending:
            for name in sorted(pending - self._running.keys()):
                if self._ready.issuperset(self._parts[name].after):
                    self._launch(self._parts[name])
            self.check()
            for name in sorted(pending & self._running.keys()):
                self._look(self._parts[name], self._running[name])
            pending -= self._ready
            time.sleep(POLL_SECONDS if pending else 0)

    def check(self) -> None:
        """Raise PartFailedError if a part that should run has ended, or a step has ended badly."""
        for name, process in self._running.items():
            if process.exit_code is not None and not (self._parts[name].is_step and process.exit_code == 0):
                raise self._failure(self._parts[name], f"ended with exit code {process.exit_code}", process)

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Stay until the condition holds, or raise as soon as a part ends."""
        while not until():
            self.check()
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop what runs, last started layer first. Interrupted a second time, it kills at once."""
        try:
            while layer := self._outermost():
                self._stop_layer(layer)
        finally:
            for process in self._running.values():
                process.kill()
            self._running.clear()
            self._ready.clear()

    def _with_dependencies(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        remaining = list(names)
        while remaining:
            name = remaining.pop()
            if name not in self._parts:
                raise ValueError(f"no part is called {name}; there are {', '.join(self._parts)}")
            if name not in found:
                found.add(name)
                remaining.extend((*self._parts[name].after, *self._parts[name].feeds))
        return found

    def _launch(self, part: Part) -> None:
        if not shutil.which(part.argv[0]):
            raise MissingError(f"missing: {part.argv[0]}, for {part.name}; run `make setup parts`")
        part.prepare()
        self._report(part, State.STARTING, 0.0)
        environment = {**self.environment, **part.environment}
        log = self._logs / f"{part.name}.log"
        self._running[part.name] = ChildProcess(part.argv, environment, log, part.folder)

    def _look(self, part: Part, process: ChildProcess) -> None:
        if part.ready() if part.ready else process.exit_code == 0:
            if part.is_step:
                del self._running[part.name]
            self._ready.add(part.name)
            self._report(part, State.READY, process.age)
        elif process.age > part.deadline:
            raise self._failure(part, f"was not ready after {part.deadline:.0f} s", process)

    def _failure(self, part: Part, what: str, process: ChildProcess) -> PartFailedError:
        """Reported at once: the rest may take half a minute to stop before the error reaches anyone."""
        self._report(part, State.FAILED, process.age)
        return PartFailedError(part, what, process)

    def _outermost(self) -> list[str]:
        """The running parts that no other running part needs."""
        needed = {name for running in self._running for name in self._with_dependencies([running]) - {running}}
        return [name for name in self._running if name not in needed]

    def _stop_layer(self, names: list[str]) -> None:
        for name in names:
            self._running[name].terminate()
        deadlines = {name: time.monotonic() + self._parts[name].grace for name in names}
        while deadlines:
            for name, deadline in list(deadlines.items()):
                process = self._running[name]
                if process.exit_code is not None or time.monotonic() > deadline:
                    process.kill()
                    del deadlines[name], self._running[name]
                    self._report(self._parts[name], State.STOPPED, process.age)
            time.sleep(POLL_SECONDS if deadlines else 0)
