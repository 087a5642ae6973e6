"""A folder of prompts with one prompt of three wordings."""

from __future__ import annotations

from pathlib import Path

import pytest
from instrumentation.prompts.folders import Written


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Nothing is in it yet."""
    return Written(tmp_path / "prompts")


@pytest.fixture
def greeting(written: Written) -> Written:
    """Its first version is there, and no experiment."""
    written.version(1)
    return written
