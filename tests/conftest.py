"""Real parts for every test that asks: each is started once a session, when first asked for, and stopped at its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from native.stack import EVERYTHING, Stack

TESTS = Path(__file__).parent
STACKS = ("session_stack", "secure_stack")
BEYOND_ELASTICSEARCH = {"collector", "jaeger", "stack"}
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several workers, one has all tests that share a stack; other folders with parts of their own stay whole.

    Those that need no more of the session's stack than its Elasticsearch may have another worker's.
    """
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        asked = set(getattr(item, "fixturenames", ()))
        shared = [name for name in STACKS if name in asked]
        if "elasticsearch" in asked and not asked & BEYOND_ELASTICSEARCH:
            item.add_marker(pytest.mark.xdist_group("elasticsearch"))
        elif shared:
            item.add_marker(pytest.mark.xdist_group(shared[0]))
        elif folder != "instrumentation":
            item.add_marker(pytest.mark.xdist_group(folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have counted, whether they passed or not."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    counted = [said for each in reports if getattr(each, "when", "") == "teardown" for _, said in each.user_properties]
    for said in counted:
        terminalreporter.write_line(said)


@contextmanager
def _prepared(*, secure: bool) -> Iterator[Stack]:
    # Not pytest's own folder: as root, Elasticsearch runs as `nobody`, and that one is closed to others.
    folder = Path(tempfile.mkdtemp(prefix="throughline-tests-"))
    folder.chmod(0o711)
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    # A trace whose root is elsewhere is judged after this long; no trace of the tests lasts longer.
    stack = Stack(folder / "run", secure=secure, environment={**environment, "DECISION_WAIT": "10s"})
    try:
        yield stack
        stack.supervisor.check()  # a part that died meanwhile explains what failed, by the end of its log
    finally:
        stack.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def session_stack() -> Iterator[Stack]:
    """The session's own stack, on free ports and in a folder of its own; nothing of it runs yet."""
    with _prepared(secure=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def secure_stack() -> Iterator[Stack]:
    """Another, as it is shipped: with TLS, roles and keys; its Elasticsearch, Jaeger and Collector run."""
    with _prepared(secure=True) as stack:
        stack.start(["collector"])
        yield stack


@pytest.fixture(scope="session")
def elasticsearch(session_stack: Stack) -> str:
    """URL of a real Elasticsearch with Throughline's templates."""
    session_stack.start(["templates"])
    return session_stack.addresses["ELASTICSEARCH_URL"]


@pytest.fixture(scope="session")
def jaeger(session_stack: Stack) -> str:
    """URL of a real Jaeger's query API."""
    session_stack.start(["jaeger"])
    return session_stack.addresses["JAEGER_URL"]


@pytest.fixture(scope="session")
def collector(session_stack: Stack) -> str:
    """OTLP/gRPC endpoint of the real Collector, which delivers to `jaeger` and `elasticsearch`."""
    session_stack.start(["collector"])
    return session_stack.addresses["OTEL_EXPORTER_OTLP_ENDPOINT"]


@pytest.fixture(scope="session")
def stack(session_stack: Stack) -> Stack:
    """The whole native stack, services included; its `addresses` are those of .run/stack.env."""
    session_stack.start(EVERYTHING)
    return session_stack
