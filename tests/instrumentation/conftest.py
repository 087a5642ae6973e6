"""What instrumentation tests share: telemetry in memory, and no complaint in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import throughline
from instrumentation.telemetry import Telemetry


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Telemetry in memory; the test switches Throughline on, the fixture off again."""
    yield Telemetry()
    throughline.uninstrument()


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    """No test makes OpenTelemetry or Throughline complain, unless it is marked as being about a complaint."""
    yield
    if request.node.get_closest_marker("complains"):
        return
    complaints = [
        record.getMessage()
        for when in ("setup", "call", "teardown")
        for record in caplog.get_records(when)
        if record.name.startswith(("opentelemetry", "throughline")) and record.levelno >= logging.WARNING
    ]
    assert not complaints
