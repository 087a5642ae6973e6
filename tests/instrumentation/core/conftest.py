"""The toy among the supported clients."""

from __future__ import annotations

import pytest
from instrumentation.core.toy import ToyClient
from throughline import instrumentor


@pytest.fixture(autouse=True)
def only_the_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrumentor, "CLIENTS", (ToyClient(),))
