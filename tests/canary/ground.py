"""A secured stack of its own and two applications, one that masks and one that seals, too; it looks for nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from canary.model import Model
from canary.planted import MASKED, SEALED
from collector.running import eventually
from elasticsearch import Elasticsearch
from native.evidence import Evidence
from native.process import ChildProcess
from native.stack import PROGRAMS, REPOSITORY, Stack
from throughline import names
from throughline.records.keys import Purpose
from throughline.store import connect
from throughline.tls import client_context

APPLICATION = Path(__file__).with_name("application.py")
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")
LARGE = 5_000
"""Bytes from which content goes into the store."""
Plain = dict[str, Any]


@dataclass(slots=True)
class Application:
    """One of the two, and what it left in its folder."""

    name: str
    folder: Path
    process: ChildProcess

    @property
    def traces(self) -> dict[str, str]:
        """Step → trace id, once all steps are done."""
        file = self.folder / "traces.json"

        def done() -> dict[str, str] | None:
            if file.exists():
                return dict(json.loads(file.read_text()))
            assert self.process.exit_code is None, self.process.tail()
            return None

        return eventually(done, f"the steps of {self.name}")

    def stop(self) -> None:
        self.process.terminate()
        eventually(lambda: self.process.exit_code is not None, f"the end of {self.name}")
        assert self.process.exit_code == 0, self.process.tail()


@dataclass(slots=True)
class Ground:
    """Everything that runs. All files are below `run`, those of applications too."""

    run: Path
    stack: Stack
    model: Model
    http: httpx.Client
    store: Elasticsearch
    applications: list[Application] = field(default_factory=list)

    @property
    def auditors_key(self) -> Path:
        return self.run / "keys" / "auditor.pem"

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.run)

    def start_applications(self) -> None:
        ended = self.command("keys", "new", "--purpose", "sealing", "--private", str(self.auditors_key))
        assert ended.returncode == 0, ended.stderr
        seal = {"THROUGHLINE_SEAL_FOR_FILE": str(self.auditors_key.with_suffix(".pub.pem"))}
        self._start("canary-masked", CANARY_WORDS=MASKED)
        self._start("canary-sealed", CANARY_WORDS=" ".join(SEALED), **seal)

    def _start(self, name: str, **more: str) -> None:
        folder = self.run / "applications" / name
        folder.mkdir(parents=True)
        environment = {
            **self.variables,
            "OTEL_SERVICE_NAME": name,
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
            "THROUGHLINE_SPOOL": str(folder / "spool"),
            "THROUGHLINE_SIGNING_KEY_FILE": str(self.evidence.key(Purpose.SIGNING)),
            "THROUGHLINE_CONTENT_STORE": f"file://{folder / 'store'}",
            "THROUGHLINE_CONTENT_STORE_FROM": str(LARGE),
            "PYTHONPATH": str(REPOSITORY / "tests"),
            "CANARY_MODEL": self.model.address,
            **more,
        }
        program = (str(PROGRAMS / "opentelemetry-instrument"), sys.executable, str(APPLICATION))
        log = self.stack.logs / f"{name}.log"
        process = ChildProcess((*program, str(folder / "traces.json")), environment, log)
        self.applications.append(Application(name, folder, process))

    @property
    def variables(self) -> dict[str, str]:
        """What a person at this machine has set."""
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            **self.stack.addresses,
            "NO_PROXY": "127.0.0.1",
            "COLUMNS": "400",
        }

    def command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The command line, as that person runs it."""
        return subprocess.run(
            (str(PROGRAMS / "throughline"), *arguments), env={**self.variables, **variables},
            cwd=self.run, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @contextmanager
    def held(self, part: str) -> Iterator[None]:
        """This part stands still and takes nothing, so that whatever is for it waits where it is."""
        os.killpg(self.stack.supervisor.processes[part], signal.SIGSTOP)
        try:
            yield
        finally:
            self.release(part)

    def release(self, part: str) -> None:
        """It goes on, which does no harm if it does already."""
        os.killpg(self.stack.supervisor.processes[part], signal.SIGCONT)

    def ask_services(self, question: str, trace_id: str) -> None:
        """The demonstration's services, streamed and not; a person's rating at last."""
        gateway = self.stack.addresses["GATEWAY_URL"]
        for accepted in ("application/json", "text/event-stream"):
            headers = {"traceparent": f"00-{trace_id}-{'ab' * 8}-01", "accept": accepted}
            body = {"question": question, "keep": True}
            self.http.post(f"{gateway}/v1/ask", json=body, headers=headers).raise_for_status()
        rating = {"trace_id": trace_id, "span_id": "ab" * 8, "thumb": "down", "comment": question}
        self.http.post(f"{gateway}/v1/ratings", json=rating).raise_for_status()

    def wait_for_the_queue(self, word: str) -> None:
        """Until all spools are empty: then the Collector has everything."""
        folder = self.run / "collector"

        def queued() -> bool:
            return any(word.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())

        eventually(lambda: queued() and not any(self._spooled()), "all records in the Collector's queue")

    def _spooled(self) -> Iterator[int]:
        for application in self.applications:
            ended = self.command("spool", "--json", "--folder", str(application.folder / "spool"))
            assert ended.returncode == 0, ended.stderr
            yield from (json.loads(line).get("records", 0) for line in ended.stdout.splitlines())

    def wait_for_records(self) -> None:
        """Until each application's chain is closed and all of it has arrived."""
        for application in self.applications:
            eventually(partial(self._is_whole, application.name), f"all records of {application.name}")

    def _is_whole(self, service: str) -> bool:
        """Whether as many records are there as the last signed statement says."""
        mine = {"term": {"resource.attributes.service.name": service}}
        self.store.indices.refresh(index="logs-genai.*")
        closed = {"bool": {"filter": [mine, {"term": {f"attributes.{names.CHECKPOINT_CLOSED}": True}}]}}
        hits = self.store.search(index="logs-genai.audit.otel-*", query=closed)["hits"]["hits"]
        if not hits:
            return False
        last = hits[0]["_source"]["attributes"][names.CHAIN_SEQUENCE]
        kinds = [f"logs-genai.{name}.otel-*" for name in ("record", "operation", "evaluation")]
        return self.store.count(index=kinds, query=mine)["count"] == last + 1

    def wait_for_traces(self) -> None:
        """Until Jaeger and Elasticsearch have each application's traces."""
        for application in self.applications:
            wanted = set(application.traces.values())
            what = f"the traces of {application.name}"
            eventually(lambda name=application.name, ids=wanted: ids <= self.trace_ids(name), f"{what} in Jaeger")
            eventually(partial(self._has_traces, wanted), f"{what} in Elasticsearch")

    def trace_ids(self, service: str) -> set[str]:
        return {trace["traceID"] for trace in self.jaeger(f"/api/traces?service={service}&limit=1000") or []}

    def _has_traces(self, wanted: set[str]) -> bool:
        self.store.indices.refresh(index="traces-*")
        found = self.store.search(index="traces-*", query={"terms": {"trace_id": sorted(wanted)}}, size=1000)
        return wanted <= {hit["_source"]["trace_id"] for hit in found["hits"]["hits"]}

    def jaeger(self, path: str) -> Any:
        return self.http.get(f"{self.stack.addresses['JAEGER_URL']}{path}").raise_for_status().json()["data"]


@contextmanager
def ground() -> Iterator[Ground]:
    """Everything running; whatever happens, nothing of it is left."""
    with ExitStack() as cleanup:
        # Not pytest's own folder: as root, Elasticsearch runs as `nobody`, and that one is closed to others.
        folder = Path(tempfile.mkdtemp(prefix="throughline-canary-"))
        folder.chmod(0o711)
        cleanup.callback(shutil.rmtree, folder)
        model = Model()
        cleanup.callback(model.close)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        settings = {"DECISION_WAIT": "10s", "RECORDS_RETRY_MAX_INTERVAL": "1s", "RECORDS_TIMEOUT": "5s"}
        settings |= {"OPENAI_BASE_URL": f"http://{model.address}/v1"}
        stack = cleanup.enter_context(Stack(folder / "run", secure=True, environment={**kept, **settings}))
        made = Ground(folder / "run", stack, model, *_clients(stack, cleanup))
        cleanup.callback(lambda: [application.process.kill() for application in made.applications])
        yield made


def _clients(stack: Stack, cleanup: ExitStack) -> tuple[httpx.Client, Elasticsearch]:
    """Of Jaeger and the gateway, and of Elasticsearch as its first user, who sees everything."""
    files = (stack.addresses[f"JAEGER_{name}"] for name in ("CA_FILE", "CLIENT_CERTIFICATE", "CLIENT_KEY"))
    http = httpx.Client(timeout=60, trust_env=False, verify=client_context(*files))
    told = {**stack.addresses, **stack.supervisor.parts["templates"].environment}
    told.pop("ELASTICSEARCH_API_KEY_FILE", None)
    store = connect(told, operator=True)
    return cleanup.enter_context(http), cleanup.enter_context(store)
