"""The tests of each client once more where it cannot be installed beside the others: oldest versions, narrow needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from throughline.adapters import CLIENTS

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests" / "instrumentation"
REQUIREMENTS = Path(__file__).parent / "requirements"
ENVIRONMENTS = sorted(path.stem for path in REQUIREMENTS.glob("*.txt") if path.stem != "oracle")  # rivals, no clients
OLDEST = {client.distribution: client.oldest for client in CLIENTS}
FOLDERS = {"openai": "openai_client"}


def distribution(environment: str) -> str:
    """`mistralai-oldest` is about mistralai, as is the first requirement of its `.in`."""
    first = next(line for line in (REQUIREMENTS / f"{environment}.in").read_text().splitlines() if line[0].isalpha())
    return first.partition("=")[0].partition("<")[0].partition("[")[0].strip()


def folder(environment: str) -> Path:
    """The tests of the client that this environment is about."""
    words = environment.rpartition("-")[0] or environment
    candidates = [TESTS / f"{words.replace('-', '_')}_client", *TESTS.glob(f"{words.partition('-')[0][:6]}*_client")]
    return next(path for path in candidates if path.is_dir())


def run(environment: str, *command: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as one process imports one version; `make clients` installs them."""
    overlay = ROOT / ".parts" / "clients" / environment
    assert overlay.is_dir(), "run `make clients`"
    variables = {**os.environ, "PYTHONPATH": str(overlay)}
    arguments = [sys.executable, *command]
    return subprocess.run(arguments, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_client_in_an_environment_of_its_own(environment: str) -> None:
    """All its tests but the fuzzing, which the newest version has beside the others."""
    client = distribution(environment)
    asked = f"import importlib.metadata as m; print(m.version({client!r}), m.distribution({client!r})._path)"
    version, _, path = run(environment, "-c", asked).stdout.partition(" ")
    assert f"clients/{environment}" in path
    if environment.endswith("-oldest"):
        assert version == OLDEST[client]
    result = run(
        environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not malformed", str(folder(environment))
    )
    assert result.returncode == 0, result.stdout[-6000:]
    assert " passed" in result.stdout
