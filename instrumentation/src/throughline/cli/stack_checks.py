"""Checks of the parts that run elsewhere: Collector, Elasticsearch, Jaeger, Grafana. Reads only, starts nothing."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx
from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError

from throughline import names
from throughline.cli.checking import Check, failed, ok, warning
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import CommandError, of_a_part
from throughline.cli.handshake import speaks_http2
from throughline.store import queries
from throughline.store.retention import Retention
from throughline.store.templates import KINDS, index_template
from throughline.tls import client_context

_OTLP: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_OLDEST_ELASTICSEARCH: Final = (8, 19)
_START: Final = "start it: `make stack`, or `make up` with a Docker engine"


def stack_checks(endpoints: Endpoints) -> Iterator[Check]:
    """Every part in turn; one that is away does not keep the others from being looked at."""
    yield _found(endpoints)
    with endpoints.http() as http:
        yield _otlp(endpoints)
        if url := endpoints.variables.get("COLLECTOR_HEALTH_URL"):
            yield _answers("Collector health", url, http)
        yield from _elasticsearch(endpoints)
        yield _jaeger(endpoints, http)
        if url := endpoints.variables.get("GRAFANA_URL"):
            yield _answers("Grafana", f"{url.rstrip('/')}/api/health", http)


def _found(endpoints: Endpoints) -> Check:
    if endpoints.stack_file:
        return ok("native stack", f"addresses from {endpoints.stack_file}")
    return ok("native stack", "none here or above; addresses from the environment")


def _otlp(endpoints: Endpoints) -> Check:
    name = "Collector OTLP"
    written = endpoints.variables.get(_OTLP, "").strip()
    if not written:
        return warning(name, f"{_OTLP} is not set: the default is the port 4317 of this machine", f"set {_OTLP}")
    address = urlsplit(written)
    if address.scheme not in ("http", "https") or not address.hostname:
        return failed(name, f"{_OTLP} is {written!r}, which is no URL", f"write it as {_OTLP}=http://127.0.0.1:4317")
    protocol = endpoints.variables.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    speaks = _takes_grpc if protocol == "grpc" else _takes_http
    try:
        problem = speaks(address, _certificates(endpoints, address))
    except (OSError, httpx.HTTPError) as error:
        return failed(name, f"{written} does not answer ({type(error).__name__})", _START)
    except ValueError as error:
        return failed(name, str(error), f"see {_OTLP.replace('ENDPOINT', 'CERTIFICATE')} and its siblings")
    if problem:
        return failed(name, f"{written} {problem}", f"is it the Collector's port for {protocol}?")
    return ok(name, f"{written} takes {protocol}")


def _certificates(endpoints: Endpoints, address: SplitResult) -> ssl.SSLContext | None:
    if address.scheme != "https":
        return None
    names = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    return client_context(*(endpoints.variables.get(f"OTEL_EXPORTER_OTLP_{name}") for name in names))


def _takes_grpc(address: SplitResult, context: ssl.SSLContext | None) -> str | None:
    answered = speaks_http2(str(address.hostname), address.port or 4317, context)
    return None if answered else "answers, but does not speak gRPC"


def _takes_http(address: SplitResult, context: ssl.SSLContext | None) -> str | None:
    """An empty export is a valid one and changes nothing."""
    headers = {"content-type": "application/x-protobuf"}
    url = f"{address.geturl().rstrip('/')}/v1/traces"
    code = httpx.post(url, content=b"", headers=headers, verify=context or True).status_code
    return None if code == httpx.codes.OK else f"answers HTTP {code} to an export"


def _answers(name: str, url: str, http: httpx.Client) -> Check:
    try:
        code = http.get(url).status_code
    except httpx.HTTPError as error:
        return failed(name, f"{url} does not answer ({type(error).__name__})", _START)
    return ok(name, f"{url} is up") if code < 400 else failed(name, f"{url} answers HTTP {code}", "see its log")


def _elasticsearch(endpoints: Endpoints) -> Iterator[Check]:
    name = "Elasticsearch"
    try:
        with endpoints.elasticsearch() as store:
            yield _version(store, endpoints.url("ELASTICSEARCH_URL"))
            yield from (check(store) for check in (_templates, _records, _rejected))
    except CommandError as error:
        yield failed(name, str(error), error.advice)
    except ApiError as error:
        refusal = of_a_part(error)
        yield failed(name, str(refusal), "see its log" if "doctor" in refusal.advice else refusal.advice)
    except TransportError as error:
        yield failed(name, f"{endpoints.url('ELASTICSEARCH_URL')} does not answer ({type(error).__name__})", _START)


def _version(store: Elasticsearch, url: str) -> Check:
    version = store.info()["version"]["number"]
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_ELASTICSEARCH:
        return warning("Elasticsearch", f"{url} is {version}", "use 8.19 or later")
    status = store.cluster.health()["status"]
    if status == "red":
        return failed("Elasticsearch", f"{version}, but its state is red", "see its log: some data cannot be read")
    return ok("Elasticsearch", f"{url}, version {version}, {status}")


def _templates(store: Elasticsearch) -> Check:
    missing, outdated = [], []
    for kind in KINDS:
        try:
            found: Any = store.indices.get_index_template(name=kind.template)
        except NotFoundError:
            missing.append(kind.name)
            continue
        meta = found["index_templates"][0]["index_template"].get("_meta", {})
        if meta.get("form") != index_template(kind, Retention())["_meta"]["form"]:
            outdated.append(kind.name)
    if missing or outdated:
        state = ", ".join([*(f"{name} missing" for name in missing), *(f"{name} outdated" for name in outdated)])
        return failed("index templates", state, "run `throughline setup` before data arrives")
    return ok("index templates", f"{', '.join(kind.name for kind in KINDS)}: loaded, current")


def _records(store: Elasticsearch) -> Check:
    counts: dict[str, Callable[[], int]] = {
        "records": lambda: _count(store, queries.RECORDS),
        "evaluations": lambda: _count(store, queries.EVALUATIONS),
        "spans": lambda: _count(store, queries.SPANS),
    }
    found = {name: count() for name, count in counts.items()}
    said = ", ".join(f"{count:,} {name}" for name, count in found.items())
    if not found["records"]:
        advice = "make a call from an instrumented application; records need OTEL_LOGS_EXPORTER=otlp"
        return warning("arrived", said, advice)
    return ok("arrived", said)


def _rejected(store: Elasticsearch) -> Check:
    if not (count := _count(store, queries.REJECTED)):
        return ok("rejected", "nothing, as far as this key may see")
    said = f"{count:,} documents that Elasticsearch would have refused are kept as text in {queries.REJECTED}"
    return warning("rejected", said, f"see why in attributes.{names.REJECTED_REASON}")


def _count(store: Elasticsearch, index: str) -> int:
    return int(store.count(index=index, ignore_unavailable=True)["count"])


def _jaeger(endpoints: Endpoints, http: httpx.Client) -> Check:
    try:
        url = endpoints.url("JAEGER_URL")
    except CommandError as error:
        return warning("Jaeger", str(error), f"{error.advice}; without it traces are read from Elasticsearch")
    try:
        services = http.get(f"{url}/api/services").raise_for_status().json()["data"] or []
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        found = f"{url} does not answer as Jaeger does ({type(error).__name__})"
        return failed("Jaeger", found, f"is JAEGER_URL its query port? {_START}")
    return ok("Jaeger", f"{url}, {len(services)} services")
