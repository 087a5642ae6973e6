"""The real Collector as a child process on free ports, with chosen overlays and environment; it knows no telemetry."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from elasticsearch import ApiError

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "collector-config"
BINARY = ROOT / ".parts" / "otelcol-throughline"
COMPONENTS = tuple(sorted((CONFIGURATION / "components").glob("*.yaml")))
OVERLAYS = tuple(sorted((CONFIGURATION / "overlays").glob("*.yaml")))
EMBEDDED = CONFIGURATION / "tiers" / "embedded.yaml"
CAPTURE = Path(__file__).with_name("capture.yaml")
DELIVER = Path(__file__).with_name("deliver.yaml")
FEATURES = "--feature-gates=+processor.tailsamplingprocessor.recordpolicy"
PATIENCE = 60.0

T = TypeVar("T")


def flags(*files: Path) -> list[str]:
    """The command line's part that names the configuration: all components, the tier, then what is given."""
    return [*(f"--config={file}" for file in (*COMPONENTS, EMBEDDED, *files)), FEATURES]


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on; all are held until the last is found, so that none is given twice."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def eventually(found: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Poll until `found` gives something true, or fail with `what` was waited for."""
    deadline = time.monotonic() + patience
    while not (result := _looked(found)):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(0.05)
    return result


def _looked(found: Callable[[], T | None]) -> T | None:
    """None while an index that was made this moment cannot be searched yet."""
    try:
        return found()
    except ApiError as error:
        if error.status_code != 503:
            raise
        return None


def fetch(url: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
    """One HTTP exchange with a local process: status and text; status 0 while nobody listens."""
    request = urllib.request.Request(url, body, {"content-type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


@dataclass(slots=True)
class Collector:
    """One Collector and the folder it owns: its queue, its log and what it captured outlive the process."""

    folder: Path
    environment: Mapping[str, str]
    overlays: tuple[Path, ...] = (CAPTURE,)
    ports: list[int] = field(default_factory=lambda: free_ports(5))
    process: subprocess.Popen[bytes] | None = None

    @property
    def otlp(self) -> str:
        """Where OTLP over HTTP goes in; the signal's name is appended."""
        return f"http://127.0.0.1:{self.ports[1]}/v1"

    @property
    def grpc(self) -> str:
        """Where OTLP over gRPC goes in."""
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def log(self) -> str:
        """All it has written to stderr."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Start it and wait until its health check says so."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([BINARY, *flags(*self.overlays)], env=self._variables(), stderr=log)
        eventually(self._ready, "the Collector's health")

    def stop(self) -> None:
        """Ask it to finish, and wait until it has delivered what it holds."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to finish anything."""
        self._end(signal.SIGKILL)

    def send(self, signal_name: str, body: bytes) -> int:
        """Send OTLP/JSON; the HTTP status is the Collector's answer."""
        return fetch(f"{self.otlp}/{signal_name}", body)[0]

    def metric(self, name: str, **labels: str) -> float | None:
        """The sum over one of its own metrics' series that carry these labels; None where there is no such series."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = fetch(f"http://127.0.0.1:{self.ports[4]}/metrics")[1].splitlines()
        mine = [line for line in lines if line.startswith((f"{name}{{", f"{name} ")) and all(w in line for w in wanted)]
        return sum(float(line.rpartition(" ")[2]) for line in mine) if mine else None

    def captured(self, name: str) -> list[str]:
        """The lines that the file exporter of this name has written so far, whole ones only."""
        path = self.folder / f"{name}.json"
        return path.read_text().rpartition("\n")[0].splitlines() if path.exists() else []

    def _ready(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"the Collector ended while it started:\n{self.log[-3000:]}")
        return fetch(f"http://127.0.0.1:{self.ports[3]}")[0] == 200

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(how)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _variables(self) -> dict[str, str]:
        grpc, http, own, health, metrics = self.ports
        return {
            "PATH": os.environ["PATH"],
            "CAPTURE_DIR": str(self.folder),
            "COLLECTOR_STORAGE_DIR": str(self.folder / "queue"),
            "COLLECTOR_OTLP_GRPC_ENDPOINT": f"127.0.0.1:{grpc}",
            "COLLECTOR_OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http}",
            "COLLECTOR_OWN_ENDPOINT": f"127.0.0.1:{own}",
            "COLLECTOR_HEALTH_ENDPOINT": f"127.0.0.1:{health}",
            "COLLECTOR_METRICS_PORT": str(metrics),
            **self.environment,
        }


@contextmanager
def running(folder: Path, overlays: tuple[Path, ...] = (CAPTURE,), **environment: str) -> Iterator[Collector]:
    """A Collector that runs within the block; whatever happens there, its process is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    collector = Collector(folder, environment, overlays)
    try:
        collector.start()
        yield collector
    finally:
        collector.stop()
