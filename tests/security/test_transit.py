"""Each hop of the secured stack, on its real parts: who is let in, who is refused, and what arrives."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from collector import otlp
from collector.running import CONFIGURATION, Collector, eventually, running
from elasticsearch import Elasticsearch
from native.stack import Stack
from security.conftest import Peer
from throughline.cli.handshake import speaks_http2
from throughline.tls import client_of

pytestmark = pytest.mark.stack

APP = Path(__file__).parents[1] / "e2e" / "app.py"
TLS = CONFIGURATION / "overlays" / "tls.yaml"
HOPS = {
    "application to Collector, gRPC": ("collector", "COLLECTOR_OTLP_GRPC_ENDPOINT", "h2"),
    "application to Collector, HTTP": ("collector", "COLLECTOR_OTLP_HTTP_ENDPOINT", "http/1.1"),
    "Collector to Jaeger": ("jaeger", "JAEGER_OTLP_ENDPOINT", "h2"),
    "command to Jaeger, HTTP": ("jaeger", "JAEGER_HTTP_ENDPOINT", "http/1.1"),
    "command to Jaeger, gRPC": ("jaeger", "JAEGER_GRPC_ENDPOINT", "h2"),
    "everything to Elasticsearch": ("elasticsearch", "", "http/1.1"),
}


@dataclass(frozen=True, slots=True)
class Hop:
    """Where one of the parts listens, and what it speaks there."""

    host: str
    port: int
    speaks: str

    def answers(self, context: ssl.SSLContext | None) -> bool:
        """Whether it answers a request; a refused handshake may show only then. Raises OSError, as ssl's errors are."""
        if self.speaks == "h2":
            return speaks_http2(self.host, self.port, context)
        with socket.create_connection((self.host, self.port), 10) as connection:
            if context is None:
                return self._asks(connection)
            with context.wrap_socket(connection, server_hostname=self.host) as secured:
                return self._asks(secured)

    def _asks(self, connection: socket.socket) -> bool:
        connection.sendall(f"GET / HTTP/1.1\r\nhost: {self.host}\r\nconnection: close\r\n\r\n".encode())
        answer = connection.recv(64)
        return answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 400")


@pytest.fixture(params=HOPS)
def hop(request: pytest.FixtureRequest, secure_stack: Stack) -> Hop:
    part, variable, speaks = HOPS[request.param]
    address = secure_stack.addresses["ELASTICSEARCH_URL"].partition("//")[2]
    if variable:
        address = secure_stack.supervisor.parts[part].environment[variable]
    host, _, port = address.rpartition(":")
    return Hop(host, int(port), speaks)


def refusal(hop: Hop, context: ssl.SSLContext | None) -> str | None:
    """How it ends; None: it answers."""
    try:
        return None if hop.answers(context) else "no answer"
    except ssl.SSLEOFError:
        return "closed"  # before its alert could be read
    except ssl.SSLError as error:
        return str(error.reason)
    except OSError as error:
        return type(error).__name__


def test_who_has_a_certificate_of_the_authority_is_let_in(hop: Hop, peers: dict[str, Peer]) -> None:
    assert refusal(hop, peers["right"].context()) is None


def test_plain_text_is_refused(hop: Hop) -> None:
    assert refusal(hop, None) in {"no answer", "ConnectionResetError"}


ALERTS = {
    "nobody": {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE"},
    "stranger": {"TLSV1_ALERT_UNKNOWN_CA", "TLSV1_ALERT_DECRYPT_ERROR", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"},
    "expired": {"SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"},
}


@pytest.mark.parametrize("peer", ALERTS)
def test_no_certificate_or_a_wrong_one_is_refused(hop: Hop, peers: dict[str, Peer], peer: str) -> None:
    assert refusal(hop, peers[peer].context()) in ALERTS[peer] | {"closed", "ConnectionResetError"}


def test_who_trusts_another_authority_does_not_speak_to_it(hop: Hop, peers: dict[str, Peer]) -> None:
    assert refusal(hop, peers["impostor"].context()) == "CERTIFICATE_VERIFY_FAILED"


def test_older_than_tls_1_2_is_refused(hop: Hop, peers: dict[str, Peer]) -> None:
    def limited(version: ssl.TLSVersion) -> ssl.SSLContext:
        context = peers["right"].context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is what this is about
            context.minimum_version = context.maximum_version = version
        return context

    assert refusal(hop, limited(ssl.TLSVersion.TLSv1_2)) is None
    assert refusal(hop, limited(ssl.TLSVersion.TLSv1_1)) == "TLSV1_ALERT_PROTOCOL_VERSION"


# --- what arrives ---------------------------------------------------------------------------------------------------


def exported(stack: Stack, peer: Peer, service: str, protocol: str) -> str:
    """A model call of an application, recorded by OpenTelemetry's own exporters; returns what it complains of."""
    part = stack.supervisor.parts["collector"].environment
    variable = "COLLECTOR_OTLP_GRPC_ENDPOINT" if protocol == "grpc" else "COLLECTOR_OTLP_HTTP_ENDPOINT"
    environment = {
        "PATH": os.environ["PATH"],
        "OTEL_SERVICE_NAME": service,
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{part[variable]}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(peer.authority),
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
        "THROUGHLINE_SPOOL": "off",
        "OPENAI_BASE_URL": stack.addresses["OPENAI_BASE_URL"],
        "OPENAI_API_KEY": "simulated",
    }
    if peer.certificate:
        environment["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = str(peer.certificate)
        environment["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = str(peer.key)
    command = [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, APP]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stderr


def of_service(client: Elasticsearch, index: str, service: str) -> list[dict[str, Any]]:
    query = {"term": {"resource.attributes.service.name": service}}
    client.indices.refresh(index=index)
    return [hit["_source"] for hit in client.search(index=index, query=query)["hits"]["hits"]]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_what_an_application_sends_arrives(
    secure_stack: Stack, peers: dict[str, Peer], superuser: Elasticsearch, protocol: str
) -> None:
    secure_stack.start(["simulator"])
    service = f"app-{secrets.token_hex(6)}"
    assert "error" not in exported(secure_stack, peers["right"], service, protocol).lower()
    (record,) = eventually(lambda: of_service(superuser, "logs-genai.record.otel-*", service), "the record")
    assert record["attributes"]["gen_ai.request.model"] == "sim-small"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_what_a_wrong_application_sends_does_not(
    secure_stack: Stack, peers: dict[str, Peer], superuser: Elasticsearch, protocol: str
) -> None:
    secure_stack.start(["simulator"])
    services = {
        peer: f"{peer}-{secrets.token_hex(6)}" for peer in ("nobody", "stranger", "expired", "impostor", "right")
    }
    for peer, service in services.items():
        exported(secure_stack, peers[peer], service, protocol)
    eventually(lambda: of_service(superuser, "logs-genai.record.otel-*", service), "the record that was sent last")
    found = {peer for peer, service in services.items() if of_service(superuser, "logs-genai.*", service)}
    assert found == {"right"}


def settings(stack: Stack, peer: Peer) -> dict[str, str]:
    """Of another Collector in front of the same Jaeger and Elasticsearch, which shows the peer's certificate."""
    told = stack.supervisor.parts["collector"].environment
    return {
        "COLLECTOR_TLS_CA_FILE": str(peer.authority),
        "COLLECTOR_TLS_CERTIFICATE_FILE": str(peer.certificate),
        "COLLECTOR_TLS_KEY_FILE": str(peer.key),
        "ELASTICSEARCH_API_KEY_FILE": told["ELASTICSEARCH_API_KEY_FILE"],
        "ELASTICSEARCH_URL": stack.addresses["ELASTICSEARCH_URL"],
        "JAEGER_OTLP_ENDPOINT": told["JAEGER_OTLP_ENDPOINT"],
        "DECISION_WAIT_AFTER_ROOT": "1s",
        "RECORDS_RETRY_MAX_INTERVAL": "1s",
        "RECORDS_TIMEOUT": "3s",
        "SAMPLING_PERCENTAGE": "100",
    }


def send(running: Collector, peer: Peer, signal: str, body: bytes) -> None:
    """As an application that does not look whom it speaks to: here the Collector's certificate may be the wrong one."""
    context = peer.context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url, headers = f"https://127.0.0.1:{running.ports[1]}/v1/{signal}", {"content-type": "application/json"}
    httpx.post(url, content=body, headers=headers, verify=context, timeout=30, trust_env=False).raise_for_status()


def in_jaeger(stack: Stack, trace: str) -> bool:
    verified = client_of("JAEGER", stack.addresses)
    assert verified
    reply = httpx.get(f"{stack.addresses['JAEGER_URL']}/api/traces/{trace}", verify=verified, trust_env=False)
    return reply.status_code == httpx.codes.OK


@pytest.mark.parametrize("wrong", ["stranger", "expired", "impostor"])
def test_a_collector_with_a_wrong_certificate_delivers_nothing_and_keeps_its_records(
    secure_stack: Stack, peers: dict[str, Peer], superuser: Elasticsearch, tmp_path: Path, wrong: str
) -> None:
    """Refused by Jaeger and Elasticsearch, or, as an impostor, refusing them; with the right one, nothing is lost."""
    identity, trace = secrets.token_hex(24), secrets.token_hex(16)
    sender = peers["impostor" if wrong == "impostor" else "right"]

    def stored() -> list[Any]:
        superuser.indices.refresh(index="logs-genai.record.otel-*")
        query = {"term": {"attributes.throughline.record.id": identity}}
        return list(superuser.search(index="logs-genai.record.otel-*", query=query)["hits"]["hits"])

    with running(tmp_path, (TLS,), **settings(secure_stack, peers[wrong])) as collector:
        send(collector, sender, "logs", otlp.records(otlp.record(identity)))
        send(collector, sender, "traces", otlp.spans(otlp.span(trace)))
        jaeger = collector.environment["JAEGER_OTLP_ENDPOINT"]
        eventually(lambda: complains(collector, jaeger, "tls: ", "x509: "), "TLS with Jaeger to fail")
        eventually(
            lambda: complains(collector, "elasticsearch/records", "flush error"), "Elasticsearch to be of no use"
        )
        assert (stored(), in_jaeger(secure_stack, trace)) == ([], False)
        collector.kill()  # asked to end it would try for minutes to be rid of its metrics
    with running(tmp_path, (TLS,), **settings(secure_stack, peers["right"])) as collector:
        eventually(stored, "the record out of the queue")
        send(collector, peers["right"], "traces", otlp.spans(otlp.span(trace)))
        eventually(lambda: in_jaeger(secure_stack, trace), "the trace that is sent again")


def complains(collector: Collector, of: str, *saying: str) -> bool:
    """Whether it logs one of these words of that."""
    lines = [line for line in collector.log.splitlines() if of in line]
    return any(words in line for line in lines for words in saying)
