"""The same tests of the OpenAI adapter on its oldest supported client and on the newest of the second generation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests" / "instrumentation" / "openai_client"
FILES = ("scenarios", "conformance", "endings", "endpoints", "identity", "patching", "personal_data")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("folder", "version"), [("openai-1", "1.40.0"), ("openai-2", "2.")])
def test_other_generations_of_the_client(folder: str, version: str) -> None:
    """In a process of its own, as one process imports one version; `make clients` installs them."""
    client = ROOT / ".parts" / "clients" / folder
    assert client.is_dir(), "run `make clients`"
    environment = {**os.environ, "PYTHONPATH": str(client)}
    asked = [sys.executable, "-c", "import openai; print(openai.__version__)"]
    found = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout
    assert found.startswith(version)
    files = [TESTS / f"test_{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-6000:]
