"""What importing and switching on loads: nothing that the application does not use, nothing slow that is not needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from throughline.adapters import CLIENTS

SLOW = (
    "asyncio", "importlib.metadata", "jinja2", "opentelemetry.sdk", "phonenumbers", "pydantic", "stdnum",
    "throughline.privacy", "throughline.prompts", "wrapt", "yaml",
)  # fmt: skip
LIBRARIES = sorted({module.partition(".")[0] for client in CLIENTS for module in client.modules})


def loaded(program: str) -> set[str]:
    """The modules that are there after a program in a process of its own."""
    command = [sys.executable, "-c", f"{program}\nimport sys, json; print(json.dumps(list(sys.modules)))"]
    return set(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def test_the_package_loads_little() -> None:
    found = loaded("import throughline")
    assert "throughline.recorder" in found
    before = loaded("import opentelemetry.trace, opentelemetry.metrics, opentelemetry._logs, opentelemetry.baggage")
    assert not [name for name in found - before if name.startswith(SLOW)]


def test_switching_on_loads_no_client_and_no_adapter() -> None:
    found = loaded("import throughline; throughline.instrument()")
    assert not [name for name in found if name.partition(".")[0] in LIBRARIES]
    assert not [name for name in found if name.startswith("throughline.adapters.")]
    assert "throughline.privacy" not in found


@pytest.mark.parametrize("module", ["anthropic", "openai"])
def test_importing_a_client_loads_only_its_adapter(module: str) -> None:
    found = loaded(f"import throughline; throughline.instrument(); import {module}")
    families = {name.split(".")[2].partition("_")[0] for name in found if name.startswith("throughline.adapters.")}
    assert module in families
    assert not families & ({client.name for client in CLIENTS} - {module})
