"""Checks of the environment that an application runs in: Python, clients, patches, variables. Sends nothing."""

import contextlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from throughline import instrumentor
from throughline.adapters import CLIENTS
from throughline.cli.checking import Check, failed, ok, warning
from throughline.cli.evidence_checks import evidence_checks
from throughline.privacy import Masker, MaskingConfigurationError
from throughline.settings import PROMPTS, ContentMode, Settings
from throughline.version import __version__

_OLDEST_PYTHON: Final = (3, 11)
_GROUP: Final = "opentelemetry_instrumentor"
_PORT_OF_PROTOCOL: Final = {"grpc": "4317", "http/protobuf": "4318"}


def process_checks(variables: Mapping[str, str]) -> Iterator[Check]:
    """Every check that needs no part of the stack."""
    yield _python()
    yield _entry_point(variables)
    yield from _clients()
    yield from _settings(variables)
    yield from evidence_checks(variables)
    yield from _prompts(variables)
    yield from _exporting(variables)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return failed("Python", version, "use Python 3.11 or later")
    return ok("Python", f"{version}, throughline {__version__}")


def _entry_point(variables: Mapping[str, str]) -> Check:
    name = "auto-instrumentation"
    if not any(point.name == "throughline" for point in importlib.metadata.entry_points(group=_GROUP)):
        return failed(name, "the entry point `throughline` is not installed", "pip install throughline")
    if "throughline" in _words(variables, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"):
        advice = "take `throughline` out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
        return failed(name, "switched off", advice)
    try:
        version = importlib.metadata.version("opentelemetry-distro")
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install 'throughline[otlp]', or call throughline.instrument() in your code"
        return warning(name, "opentelemetry-instrument cannot configure exporters: no opentelemetry-distro", advice)
    return ok(name, f"opentelemetry-instrument loads throughline (opentelemetry-distro {version})")


def _clients() -> Iterator[Check]:
    """Patches each client for a moment, with providers that do nothing, and reports how that went."""
    on_already = instrumentor.recorder() is not None
    if not on_already:
        instrumentor.instrument(
            settings=Settings(),
            tracer_provider=NoOpTracerProvider(),
            meter_provider=NoOpMeterProvider(),
            logger_provider=NoOpLoggerProvider(),
        )
    try:
        for client in CLIENTS:
            for module in client.modules:
                _import(module)
            if client.modules[0].partition(".")[0] in sys.modules:
                for late in [patch for patch in client.load().patches if patch.late]:
                    _import(late.point.partition(":")[0])
        yield from [_client(status) for status in instrumentor.status()]
    finally:
        if not on_already:
            instrumentor.uninstrument()


def _import(module: str) -> None:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # without it that client's import asks the network
    with contextlib.suppress(Exception):  # a client that is broken or not there is reported by its status
        importlib.import_module(module)


def _client(status: instrumentor.ClientStatus) -> Check:
    name = f"client {status.client}"
    match status.state:
        case "not installed":
            return ok(name, f"not installed; supported from {status.oldest}")
        case "patched":
            points = ", ".join(point.partition(":")[2] for point in status.points)
            return ok(name, f"{status.version}, supported from {status.oldest}: patches {points}")
        case "partly patched":
            found = f"{status.version} lacks {', '.join(status.missing)}: calls that pass there are not recorded"
            return warning(name, found, f"use a version of {status.client} that is tested, or report this one")
        case _:
            found = f"{status.version}: {status.state}"
            return warning(name, found, f"see whether `python -c 'import {status.client}'` works")


def _settings(variables: Mapping[str, str]) -> Iterator[Check]:
    try:
        settings = Settings.from_environment(variables)
    except ValueError as error:
        yield failed("settings", str(error), "correct the variable: the application will not start with it")
        return
    where = {
        ContentMode.NO_CONTENT: "prompts and answers are not captured (the default)",
        ContentMode.SPAN_ONLY: "content goes to spans, not to records",
        ContentMode.EVENT_ONLY: "content goes to records",
        ContentMode.SPAN_AND_EVENT: "content goes to spans and records",
    }[settings.content]
    yield ok("content", f"{settings.content}: {where}")
    if not settings.emit_records:
        yield warning("records", "switched off", "unset OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT to have evidence")
    yield _masking(variables)


def _masking(variables: Mapping[str, str]) -> Check:
    try:
        masker = Masker.from_environment(variables)
    except MaskingConfigurationError as error:
        return failed("masking", str(error), "correct the variable or file: the application will not start with it")
    form = "pseudonyms" if masker.key else "placeholders"
    found = f"by {form}, {len(masker.rules)} rules of your own"
    if masker.disabled:
        kinds = ", ".join(sorted(masker.disabled))
        return warning("masking", f"{found}; not masked: {kinds}", "unset THROUGHLINE_MASK_DISABLE unless you mean it")
    return ok("masking", found)


def _prompts(variables: Mapping[str, str]) -> Iterator[Check]:
    """Of the folder of prompt files, where there is one."""
    if not (folder := variables.get(PROMPTS, "").strip()):
        return
    try:
        from throughline.prompts import look
    except ModuleNotFoundError as missing:
        yield failed("prompts", f"{PROMPTS} needs the package {missing.name}", "pip install 'throughline[prompts]'")
        return
    found = look(folder)
    if found.problems:
        yield failed("prompts", f"{len(found.problems)} problems in {folder}", "throughline prompts check")
    else:
        yield ok("prompts", f"{len(found.prompts)} prompts, {len(found.experiments)} experiments in {folder}")


def _exporting(variables: Mapping[str, str]) -> Iterator[Check]:
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield failed("OpenTelemetry", "OTEL_SDK_DISABLED=true: nothing is recorded", "unset OTEL_SDK_DISABLED")
    for signal, loss in (("TRACES", "traces"), ("LOGS", "records"), ("METRICS", "metrics")):
        if variables.get(f"OTEL_{signal}_EXPORTER", "otlp").lower() == "none":
            yield warning("OpenTelemetry", f"OTEL_{signal}_EXPORTER=none: no {loss}", f"unset OTEL_{signal}_EXPORTER")
    if not variables.get("OTEL_SERVICE_NAME") and "service.name=" not in variables.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        yield warning("OpenTelemetry", "the service has no name", "set OTEL_SERVICE_NAME for each process")
    sampler = variables.get("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    if sampler not in ("always_on", "parentbased_always_on"):
        found = f"OTEL_TRACES_SAMPLER={sampler} drops traces before the Collector can judge them"
        yield warning("OpenTelemetry", found, "unset it: failed and slow traces are kept by tail sampling")
    yield from _protocol(variables)


def _protocol(variables: Mapping[str, str]) -> Iterator[Check]:
    endpoint = variables.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    protocol = variables.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    usual = {port: name for name, port in _PORT_OF_PROTOCOL.items()}.get(endpoint.rstrip("/").rpartition(":")[2])
    if usual and usual != protocol:
        found = f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}, but {endpoint} is the usual port of {usual}"
        yield warning("OpenTelemetry", found, f"set OTEL_EXPORTER_OTLP_PROTOCOL={usual}, or the other port")


def _words(variables: Mapping[str, str], name: str) -> set[str]:
    return {word.strip() for word in variables.get(name, "").split(",")}
