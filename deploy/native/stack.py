"""Which parts Throughline's native stack has and how they are wired; starting and stopping them is the supervisor's."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from throughline import names as attribute_names

from native.elasticsearch.node import elasticsearch
from native.evidence import Evidence
from native.part import Part, grpc_health, http
from native.ports import HOST, Ports
from native.run_directory import RunDirectory
from native.security import Security
from native.supervisor import Report, Supervisor, silent

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PARTS: Final = REPOSITORY / ".parts"
RUN: Final = REPOSITORY / ".run"
PROGRAMS: Final = Path(sys.executable).parent
COMPONENTS: Final = ("operations", "receivers", "metrics", "sampling", "masking", "rejected", "records", "exporters")
EVERYTHING: Final = ("gateway", "housekeeping", "comparison")
RETENTION: Final = REPOSITORY / "deploy" / "retention.env"
PROMPTS: Final = REPOSITORY / "services" / "src" / "throughline_services" / "prompt_builder" / "prompts"
TUNING: Final = {
    # A person is waiting: a trace is shown about 4 s after its end, and 3 s are slow.
    "DECISION_WAIT_AFTER_ROOT": "2s",
    "SLOW_TRACE_MS": "3000",
    "SPAN_METRICS_INTERVAL": "5s",
    "COLLECTOR_OWN_METRICS_INTERVAL_MS": "10000",
}
"""The Collector's settings for one machine; whoever sets them in his environment wins."""
PASSED_ON: Final = ("THROUGHLINE_PRICES_FILE",)  # from whoever starts it; Throughline's other settings are the stack's
PartsOf = Callable[[Path, Ports, Mapping[str, str], Security | None], list[Part]]


def _addresses(ports: Ports, own: Mapping[str, str], *, secure: bool) -> dict[str, str]:
    """What the stack's processes and its users are told; a real model's address and key are the user's to set."""
    scheme = "https" if secure else "http"
    deployment = own.get("DEPLOYMENT_ENVIRONMENT") or "native"
    served = ("gateway", "prompt-builder", "llm-caller", "postprocessor", "simulator")
    variable = {name: name.replace("-", "_").upper() for name in served}
    return {
        "ELASTICSEARCH_URL": f"{scheme}://{ports.address('elasticsearch')}",
        "JAEGER_URL": f"{scheme}://{ports.address('jaeger')}",
        "GATEWAY_URL": ports.url("gateway"),
        "SIMULATOR_URL": ports.url("simulator"),
        "COLLECTOR_METRICS_URL": f"{ports.url('collector-metrics')}/metrics",
        "COLLECTOR_HEALTH_URL": f"{ports.url('collector-health')}/",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{ports.address('otlp')}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        # Which of several deployments it is: the Collector reads the first, whatever records the second.
        "DEPLOYMENT_ENVIRONMENT": deployment,
        "OTEL_RESOURCE_ATTRIBUTES": f"{attribute_names.DEPLOYMENT_ENVIRONMENT_NAME}={quote(deployment, safe='')}",
        # Whoever may read spans reads what is on them; in a secured stack content goes to where auditors alone look.
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY" if secure else "SPAN_AND_EVENT",
        "OPENAI_BASE_URL": own.get("OPENAI_BASE_URL") or f"{ports.url('simulator')}/v1",
        "OPENAI_API_KEY": own.get("OPENAI_API_KEY") or "simulated",
        "LLM_MODEL": own.get("LLM_MODEL") or "sim-small",
        # Where an experiment is stopped and a prompt changed while the stack runs.
        "THROUGHLINE_PROMPTS": own.get("THROUGHLINE_PROMPTS") or str(PROMPTS),
        **{name: own[name] for name in PASSED_ON if own.get(name)},
        **{f"{variable[name]}_LISTEN": ports.address(name) for name in served},
        **{f"{variable[name]}_TARGET": ports.address(name) for name in served[1:4]},
    }


def throughline_parts(
    run: Path, ports: Ports, addresses: Mapping[str, str], security: Security | None = None
) -> list[Part]:
    """All parts, in no order: what each comes after says it."""
    return [
        elasticsearch(PARTS / "elasticsearch" / "home", run / "elasticsearch", ports, security=security),
        _jaeger(ports, security),
        _collector(run, ports, addresses, security),
        *_keepers(security, Evidence(run)),
        Part(
            name="simulator",
            argv=(str(PROGRAMS / "throughline-simulator"),),
            ready=http(f"{ports.url('simulator')}/healthz"),
        ),
        *_services(ports, security, Evidence(run)),
    ]


def _keepers(security: Security | None, evidence: Evidence) -> list[Part]:
    """What puts Elasticsearch in order and keeps it so, each with the rights that it takes."""
    store = (sys.executable, "-m", "throughline.store")
    return [
        # Waits for Elasticsearch by itself, so that Python has started by the time Elasticsearch has.
        Part(
            name="templates",
            argv=store,
            environment={**retention(), **(security.of_elasticsearch("operator") if security else {})},
            feeds=("elasticsearch",),
            deadline=180,
        ),
        Part(
            name="housekeeping",
            argv=(*store, "--every", "300", "--verify", "2h"),
            environment={**retention(), **_operating(security), **evidence.of_auditor()},
            after=("templates",),
            feeds=("elasticsearch",),
            ready=lambda: True,
        ),
        Part(
            name="comparison",
            argv=(str(PROGRAMS / "throughline"), "compare", "--publish", "--every", "60"),
            environment=_operating(security),
            after=("templates",),
            feeds=("elasticsearch",),
            ready=lambda: True,
            folder=Path(os.sep),  # where no stack.env of another stack is found
        ),
        Part(
            name="corpus",
            argv=(str(PROGRAMS / "throughline-corpus"),),
            environment=security.of_elasticsearch("operator", "librarian") if security else {},
            after=("templates",) if security else ("elasticsearch",),
            feeds=("elasticsearch",),
        ),
    ]


def _operating(security: Security | None) -> dict[str, str]:
    """What a part is told that works by the operator's key."""
    return security.of_elasticsearch("operator", "operator") if security else {}


def retention() -> dict[str, str]:
    """Days for each kind of document, as compose reads them too."""
    lines = [line for line in RETENTION.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _jaeger(ports: Ports, security: Security | None) -> Part:
    listens = {"OTLP": "jaeger-otlp", "HTTP": "jaeger", "GRPC": "jaeger-grpc", "HEALTH": "jaeger-health"}
    folder = REPOSITORY / "deploy" / "native"
    files = [folder / "jaeger.yaml", *([folder / "jaeger-tls.yaml"] if security else [])]
    secured = security.server("JAEGER_TLS", "jaeger") if security else {}
    if security:
        secured["JAEGER_QUERY_CLIENT_CA_FILE"] = secured["JAEGER_TLS_CA_FILE"]
    return Part(
        name="jaeger",
        argv=(str(PARTS / "jaeger"), *(word for file in files for word in ("--config", str(file)))),
        environment={
            **{f"JAEGER_{variable}_ENDPOINT": ports.address(name) for variable, name in listens.items()},
            **secured,
            "OTEL_TRACES_SAMPLER": "always_off",  # Jaeger would trace its own queries into itself
        },
        ready=http(f"{ports.url('jaeger-health')}/status"),
    )


def _collector(run: Path, ports: Ports, addresses: Mapping[str, str], security: Security | None) -> Part:
    folder = REPOSITORY / "collector-config"
    files = [*(folder / "components" / f"{name}.yaml" for name in COMPONENTS), folder / "tiers" / "embedded.yaml"]
    files += [folder / "overlays" / "tls.yaml"] if security else []
    configs = [argument for file in files for argument in ("--config", str(file))]
    reasons = (
        "--feature-gates=+processor.tailsamplingprocessor.recordpolicy"  # why a trace was kept, on each of its spans
    )
    secured = security.server("COLLECTOR_TLS", "collector") if security else {}
    if security:
        secured["ELASTICSEARCH_API_KEY_FILE"] = security.api_key("writer")
    return Part(
        name="collector",
        argv=(str(PARTS / "otelcol-throughline"), *configs, reasons),
        environment={
            "COLLECTOR_OTLP_GRPC_ENDPOINT": ports.address("otlp"),
            "COLLECTOR_OTLP_HTTP_ENDPOINT": ports.address("otlp-http"),
            "COLLECTOR_OWN_ENDPOINT": ports.address("collector-own"),
            "COLLECTOR_HEALTH_ENDPOINT": ports.address("collector-health"),
            "COLLECTOR_METRICS_HOST": HOST,
            "COLLECTOR_METRICS_PORT": str(ports["collector-metrics"]),
            "COLLECTOR_STORAGE_DIR": str(run / "collector"),
            "JAEGER_OTLP_ENDPOINT": ports.address("jaeger-otlp"),
            **secured,
            "GOMEMLIMIT": "700MiB",
        },
        after=("templates",),  # a stream's first document decides how it is indexed
        feeds=("elasticsearch", "jaeger"),
        ready=http(addresses["COLLECTOR_HEALTH_URL"]),
        grace=15,
    )


def _services(ports: Ports, security: Security | None, evidence: Evidence) -> list[Part]:
    """Each with the certificate by which it sends, and those that read a store with what that takes."""
    sends = security.of_otlp() if security else {}
    retrieves = {}
    if security:
        retrieves = {**security.of_otlp("prompt-builder"), **security.of_elasticsearch("prompt-builder", "retriever")}
    looks = security.of_jaeger("application") if security else {}

    def told(name: str, *more: Mapping[str, str]) -> dict[str, str]:
        every = (evidence.of_service(name), sends, *more)
        return {variable: value for each in every for variable, value in each.items()}

    return [
        _service(
            "prompt-builder",
            ports,
            told("prompt-builder", retrieves),
            after=("templates",) if security else (),  # which makes its key
            feeds=("collector", "corpus"),
        ),
        _service("llm-caller", ports, told("llm-caller"), feeds=("collector", "simulator")),
        _service("postprocessor", ports, told("postprocessor"), feeds=("collector",)),
        _service("gateway", ports, told("gateway", looks), feeds=("prompt-builder", "llm-caller", "postprocessor")),
    ]


def _service(
    name: str, ports: Ports, more: Mapping[str, str], *, feeds: tuple[str, ...], after: tuple[str, ...] = ()
) -> Part:
    """A service as its users run it: not one line of telemetry set-up, all of it by opentelemetry-instrument."""
    return Part(
        name=name,
        argv=(str(PROGRAMS / "opentelemetry-instrument"), str(PROGRAMS / f"throughline-{name}")),
        environment={
            "OTEL_SERVICE_NAME": name,
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
            "OTEL_METRIC_EXPORT_INTERVAL": "5000",
            # Shorter than the Collector's wait after a root span, or it would decide on half a trace.
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            "OTEL_BLRP_SCHEDULE_DELAY": "500",
            # Seconds. With 10, the default, a Collector away for 5 loses batches; in 60 all six attempts are made.
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
            "OTEL_BSP_MAX_QUEUE_SIZE": "8192",
            "OTEL_BLRP_MAX_QUEUE_SIZE": "8192",
            # Questions that nobody asked: health probes, and the page's look-ups of its own traces.
            "OTEL_PYTHON_GRPC_EXCLUDED_SERVICES": "grpc.health.v1.Health",
            "OTEL_PYTHON_STARLETTE_EXCLUDED_URLS": "healthz,v1/traces",
            **more,
        },
        after=after,
        feeds=feeds,
        ready=http(f"{ports.url(name)}/healthz") if name == "gateway" else grpc_health(ports.address(name)),
    )


def _inherited(own: Mapping[str, str], shared: Mapping[str, str]) -> dict[str, str]:
    """What every part gets: the caller's environment without his own telemetry's settings, and the addresses."""
    kept = {name: value for name, value in own.items() if not name.startswith(("OTEL_", "THROUGHLINE_"))}
    return {**TUNING, **kept, **shared, "NO_PROXY": f"{HOST},localhost", "PYTHONUNBUFFERED": "1"}


class Stack:
    """The stack in one run directory: `with Stack(path) as stack:` starts it, gives its addresses and stops it."""

    def __init__(
        self,
        run: Path,
        *,
        secure: bool = False,
        environment: Mapping[str, str] | None = None,
        report: Report = silent,
        names: Iterable[str] = EVERYTHING,
        parts: PartsOf = throughline_parts,
    ) -> None:
        ports, own = Ports(), dict(os.environ if environment is None else environment)
        self._names = tuple(names)
        shared = _addresses(ports, own, secure=secure)
        security = Security(run.resolve() / "tls") if secure else None
        evidence = Evidence(run.resolve())
        self.addresses = {**shared, **(security.published() if security else {}), **evidence.published()}
        wired = parts(run.resolve(), ports, shared, security)
        self._directory = RunDirectory(run)
        evidence.provide()
        if security:
            security.provide()
        self.supervisor = Supervisor(wired, self._directory.logs, environment=_inherited(own, shared), report=report)

    @property
    def logs(self) -> Path:
        """The folder with one log for each part."""
        return self._directory.logs

    def start(self, names: Iterable[str]) -> None:
        """Start these parts and what they need, and publish the addresses."""
        self.supervisor.start(names)
        self._directory.publish(self.addresses)

    def close(self) -> None:
        """Stop everything and let the next launcher in."""
        try:
            self.supervisor.stop()
        finally:
            self._directory.close()

    def __enter__(self) -> Self:
        try:
            self.start(self._names)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
