"""The probe, run as the containers run it: from a folder with nothing but the native stack's checks beside it."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from compose.composed import FOLDER, REPOSITORY
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from native.ports import Ports


@pytest.fixture
def probe(tmp_path: Path) -> list[str]:
    """The command, with the files laid out as the recipe does."""
    shutil.copy(FOLDER / "probe.py", tmp_path)
    (tmp_path / "native").mkdir()
    for name in ("__init__.py", "part.py"):
        shutil.copy(REPOSITORY / "deploy" / "native" / name, tmp_path / "native")
    return [sys.executable, str(tmp_path / "probe.py")]


def run(command: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *words], check=False, capture_output=True, text=True)


class Answer(http.server.BaseHTTPRequestHandler):
    """200 under /healthz, 503 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def serving() -> Iterator[tuple[str, health.HealthServicer]]:
    servicer = health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(1))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}", servicer
    server.stop(None).wait()


def test_http(probe: list[str], web: str) -> None:
    assert run(probe, f"{web}/healthz").returncode == 0
    ill = run(probe, f"{web}/healthz", f"{web}/else")
    assert ill.returncode == 1
    assert ill.stderr == f"not ready: {web}/else\n"


def test_grpc(probe: list[str], serving: tuple[str, health.HealthServicer]) -> None:
    address, servicer = serving
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    assert run(probe, address).returncode == 0
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert run(probe, address).returncode == 1


def test_nobody_there(probe: list[str]) -> None:
    assert run(probe, f"http://{Ports().address('nobody')}/").returncode == 1


def test_waits_for_one_that_comes_later(probe: list[str]) -> None:
    port = Ports()["later"]
    waiting = subprocess.Popen([*probe, "--wait", "60", f"http://127.0.0.1:{port}/healthz"])
    with waiting, http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert waiting.wait(60) == 0
        server.shutdown()
        thread.join()
