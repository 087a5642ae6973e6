"""Weaviate's client is not among what the tests install; where it is put beside them, these tests run at once."""

from __future__ import annotations

import importlib.util
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

if importlib.util.find_spec("weaviate") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports, of which older versions make some that are outdated
        import weaviate.retry


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client waits a second and more before it tries again."""

    async def at_once(_seconds: float) -> None:
        return None

    retry: Any = weaviate.retry
    monkeypatch.setattr(retry, "time", SimpleNamespace(sleep=lambda _seconds: None))
    monkeypatch.setattr(retry, "asyncio", SimpleNamespace(sleep=at_once))
