"""Milvus's client is not among what the tests install; where it is put beside them, these tests run, at once."""

from __future__ import annotations

import asyncio
import importlib.util
import time
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

if importlib.util.find_spec("pymilvus") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports, of which older versions make some that are outdated
        import pymilvus.decorators


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client waits before it tries again."""

    async def at_once(_seconds: float) -> None:
        return None

    decorators: Any = pymilvus.decorators
    monkeypatch.setattr(decorators, "time", SimpleNamespace(**{**vars(time), "sleep": lambda _seconds: None}))
    if hasattr(decorators, "asyncio"):
        kept = {name: getattr(asyncio, name) for name in ("wait_for", "TimeoutError")}
        monkeypatch.setattr(decorators, "asyncio", SimpleNamespace(sleep=at_once, **kept))
