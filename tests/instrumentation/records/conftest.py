"""What the tests of records share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from instrumentation.records.chained import RESOURCE
from instrumentation.records.receiving import Receiver, serving
from throughline.records import keys
from throughline.records.journal import Journal
from throughline.records.keys import Purpose
from throughline.settings import Settings


@pytest.fixture
def http_receiver() -> Iterator[tuple[str, list[bytes]]]:
    """The URL of a server that takes all it is sent, and the bodies that it was sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class calls it
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key = tmp_path / "own.pem"
    key.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SIGNING)))
    return Settings(spool=tmp_path / "spool", signing_key_file=key, anchor=f"file://{tmp_path}/anchor")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Collector is away."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    own = Receiver()
    with serving(own) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        yield own


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    own = Journal.open(settings, RESOURCE)
    yield own
    own.close(0)
