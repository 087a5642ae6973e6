"""What the Collector's tests share: a way to run one, and the verdict of one run over all golden cases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from collector.running import BINARY, Collector, running

Run = Callable[..., AbstractContextManager[Collector]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these need the built Collector; without it they say so at once, each."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    assert BINARY.exists(), "the native Collector is missing: run `make collector`"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run a Collector in this test's own folder; environment variables are keyword arguments."""
    yield partial(running, tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)
