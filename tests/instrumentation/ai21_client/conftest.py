"""AI21's client is not among what the tests install; where it is put beside them, these tests run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("ai21") is None:
    collect_ignore_glob = ["test_*.py"]


WARNINGS = ("The 'from_dict' method", "Use 'content=")  # of itself, for each chunk, and of httpx, for each request


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """It warns by itself."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            for warning in WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{warning}:DeprecationWarning"))
