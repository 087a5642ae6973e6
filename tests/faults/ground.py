"""Elasticsearch, Collector, model and applications as processes that a test may kill, and the count of what is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from collector.running import Collector, eventually, free_ports
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from faults.proxy import Proxy
from native.elasticsearch.node import elasticsearch
from native.part import Part, http
from native.ports import Ports
from native.process import ChildProcess
from native.stack import PARTS, PROGRAMS
from throughline import names
from throughline.store import queries

APPLICATION = Path(__file__).with_name("application.py")
KEPT = ("PATH", "HOME", "LANG", "JAVA_HOME")
PATIENCE = 100.0


def variables(**more: str) -> dict[str, str]:
    return {**{name: os.environ[name] for name in KEPT if name in os.environ}, "NO_PROXY": "127.0.0.1", **more}


def start(part: Part, folder: Path, **environment: str) -> ChildProcess:
    """Start it and wait until it is ready."""
    part.prepare()
    process = ChildProcess(part.argv, variables(**part.environment, **environment), folder / f"{part.name}.log")

    def ready() -> bool:
        assert process.exit_code is None, process.tail()
        return part.ready is not None and part.ready()

    eventually(ready, part.name, part.deadline)
    return process


@dataclass(slots=True)
class Application:
    """One application under load; its spool and the list of its returned calls outlive the process."""

    folder: Path
    environment: dict[str, str]
    process: ChildProcess | None = None

    @property
    def returned(self) -> list[str]:
        path = self.folder / "returned"
        return path.read_text().rpartition("\n")[0].splitlines() if path.exists() else []

    def start(self) -> None:
        instrument, program = PROGRAMS / "opentelemetry-instrument", (sys.executable, str(APPLICATION))
        arguments = (str(instrument), *program, str(self.folder / "returned"))
        self.process = ChildProcess(arguments, self.environment, self.folder / f"application-{time.time_ns()}.log")

    def kill(self) -> None:
        """No chance to finish anything."""
        assert self.process is not None
        assert self.process.exit_code is None, self.process.tail()
        self.process.kill()

    def stop(self) -> None:
        """Let it finish its calls and hand over what it can."""
        assert self.process is not None
        assert self.process.exit_code is None, self.process.tail()
        self.process.terminate()
        eventually(lambda: self.process is None or self.process.exit_code is not None, "the application's end")
        assert self.process.exit_code == 0, self.process.tail()


@dataclass(slots=True)
class Tally:
    """What became of the calls that returned."""

    returned: int
    lost: list[str]
    doubled: list[str]

    def __str__(self) -> str:
        return f"{self.returned} calls returned, {len(self.lost)} records lost, {len(self.doubled)} doubled"


@dataclass(slots=True)
class Ground:
    """All parts, on ports of their own that stay the same over restarts."""

    folder: Path
    ports: Ports = field(default_factory=Ports)
    applications: list[Application] = field(default_factory=list)
    elasticsearch: ChildProcess | None = None
    simulator: ChildProcess | None = None
    proxy: Proxy = field(init=False)
    collector: Collector = field(init=False)

    def __post_init__(self) -> None:
        self.proxy = Proxy(self.ports.url("elasticsearch"))
        settings = {"ELASTICSEARCH_URL": self.proxy.url, "RECORDS_RETRY_MAX_INTERVAL": "2s", "RECORDS_TIMEOUT": "10s"}
        self.collector = Collector(self.folder / "collector", settings, overlays=(), ports=free_ports(5))

    @property
    def store(self) -> Elasticsearch:
        return Elasticsearch(self.ports.url("elasticsearch"), request_timeout=30)

    def start_elasticsearch(self) -> None:
        node = elasticsearch(PARTS / "elasticsearch" / "home", self.folder / "elasticsearch", self.ports)
        self.elasticsearch = start(node, self.folder)

    def kill_elasticsearch(self) -> None:
        assert self.elasticsearch is not None
        self.elasticsearch.kill()

    def start_all(self) -> None:
        self.collector.folder.mkdir()
        simulator = Part(
            name="simulator",
            argv=(str(PROGRAMS / "throughline-simulator"),),
            ready=http(f"{self.ports.url('simulator')}/healthz"),
        )
        timing = {"SIMULATOR_LATENCY": "0.2", "SIMULATOR_FIRST_CHUNK": "0.1", "SIMULATOR_INTER_CHUNK": "0.005"}
        self.simulator = start(simulator, self.folder, SIMULATOR_LISTEN=self.ports.address("simulator"), **timing)
        self.start_elasticsearch()
        keys = ("keys", "new", "--purpose", "signing", "--private", "signing.pem", "--list", "keys.json")
        (self.folder / "keys").mkdir()
        subprocess.run((str(PROGRAMS / "throughline"), *keys), cwd=self.folder / "keys", check=True)
        target = variables(ELASTICSEARCH_URL=self.ports.url("elasticsearch"))
        subprocess.run([sys.executable, "-m", "throughline.store"], env=target, check=True, capture_output=True)
        self.collector.start()

    def application(self, name: str, spool: Path) -> Application:
        """An application that is not started yet. Applications with one spool are processes of one machine."""
        folder = self.folder / name
        folder.mkdir()
        environment = variables(
            OPENAI_BASE_URL=f"{self.ports.url('simulator')}/v1",
            OPENAI_API_KEY="simulated",
            OTEL_SERVICE_NAME=name,
            OTEL_TRACES_EXPORTER="none",
            OTEL_METRICS_EXPORTER="none",
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="EVENT_ONLY",
            **self.spooling(spool),
        )
        self.applications.append(Application(folder, environment))
        return self.applications[-1]

    def spooling(self, spool: Path) -> dict[str, str]:
        """The settings of whatever writes to this spool, and sends it."""
        return {
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.collector.grpc}",
            "THROUGHLINE_SPOOL": str(spool),
            "THROUGHLINE_SIGNING_KEY_FILE": str(self.folder / "keys" / "signing.pem"),
            "THROUGHLINE_ANCHOR": f"file://{self.folder / 'anchor'}",
            "THROUGHLINE_CHECKPOINT_SECONDS": "5",
        }

    def block_writing(self, *, blocked: bool) -> None:
        """As Elasticsearch itself does when its disk is full."""
        self.store.indices.put_settings(
            index="logs-genai.*", settings={"index.blocks.read_only_allow_delete": blocked or None}
        )

    def tally(self, applications: list[Application]) -> Tally:
        """Wait until every returned call has its record, or patience ends; then count."""
        returned = [identity for application in applications for identity in application.returned]
        deadline = time.monotonic() + PATIENCE
        services = [application.folder.name for application in applications]
        found = self._found(services)
        while (lost := sorted(set(returned) - set(found))) and time.monotonic() < deadline:
            time.sleep(0.5)
            found = self._found(services)
        doubled = sorted(identity for identity, count in found.items() if count > 1)
        return Tally(len(returned), lost, doubled)

    def _found(self, services: list[str]) -> Counter[str]:
        query = {"query": {"terms": {queries.SERVICE: services}}, "_source": [f"attributes.{names.SESSION_ID}"]}
        with self.store as store:
            store.indices.refresh(index=queries.RECORDS)
            hits = scan(store, query, index=queries.RECORDS, size=5000)
            return Counter(hit["_source"]["attributes"][names.SESSION_ID] for hit in hits)

    def send_left_overs(self, spool: Path) -> None:
        """What dead processes left, as an operator would send it when no process comes after them."""
        command = (str(PROGRAMS / "throughline"), "spool", "send")
        environment = variables(**self.spooling(spool))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def verdict(self) -> tuple[int, str]:
        """What `throughline verify` says of everything that is there: exit code and output."""
        environment = variables(
            ELASTICSEARCH_URL=self.ports.url("elasticsearch"),
            THROUGHLINE_ANCHOR=f"file://{self.folder / 'anchor'}",
            THROUGHLINE_KEY_LIST=str(self.folder / "keys" / "keys.json"),
        )
        command = (str(PROGRAMS / "throughline"), "verify")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def close(self) -> None:
        for application in self.applications:
            if application.process is not None:
                application.process.kill()
        self.collector.kill()
        self.proxy.close()
        for process in (self.elasticsearch, self.simulator):
            if process is not None:
                process.kill()


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Everything running; whatever happens, nothing of it is left."""
    with ExitStack() as stack:
        made = Ground(folder)
        stack.callback(made.close)
        made.start_all()
        yield made
