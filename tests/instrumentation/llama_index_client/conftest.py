"""LlamaIndex is not among what the tests install; where it is put beside them, these tests run."""

from __future__ import annotations

import importlib
import importlib.util
import warnings

import pytest

_OWN = ("ignore::DeprecationWarning", "ignore:.*Connection.__del__:pytest.PytestUnraisableExceptionWarning")

if importlib.util.find_spec("llama_index") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    with warnings.catch_warnings():  # its older versions are at odds with pydantic's newer ones
        warnings.simplefilter("ignore")
        importlib.import_module("llama_index.core.agent.workflow")


def pytest_configure(config: pytest.Config) -> None:
    """It warns of its own dependencies and of what it replaced, and leaves the database of its memories open."""
    if importlib.util.find_spec("llama_index") is not None:
        for warning in _OWN:
            config.addinivalue_line("filterwarnings", warning)
