"""What instrumentation tests share: telemetry in memory, and no complaint in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import throughline
from instrumentation.live_check import check_all
from instrumentation.scenarios import Client, streamed
from instrumentation.telemetry import Telemetry


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[Telemetry]:
    """Telemetry in memory; the test switches Throughline on, the fixture off again and checks all that was exported."""
    own = Telemetry()
    yield own
    throughline.uninstrument()
    if not request.node.get_closest_marker("complains"):  # what a broken adapter exports is broken
        check_all(own)


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a client does not offer, or cannot meet for the reason it gives."""
    out = [item for item in items if _arises_not(item)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def _arises_not(item: pytest.Item) -> bool:
    client = getattr(getattr(item, "cls", None), "client", None)
    if not isinstance(client, Client):
        return False
    needed = {need for mark in item.iter_markers("needs") for need in mark.args}
    way = (
        str(item.callspec.params.get("way", ""))
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else ""
    )
    if way.startswith("async") or (hasattr(item, "callspec") and item.callspec.params.get("asynchronous") is True):
        needed.add("async")
    if way and streamed(way):
        needed.add("stream")
    return not needed <= client.offers or getattr(item, "originalname", "") in client.cannot
