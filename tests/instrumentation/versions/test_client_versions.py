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
FOLDERS = {"chromadb": "chroma", "mistralai": "mistral", "openai-2": "openai"}
"""Environments whose tests are in a folder of another name."""


def distribution(environment: str) -> str:
    """The first requirement of its `.in`: what this environment is about."""
    first = next(line for line in (REQUIREMENTS / f"{environment}.in").read_text().splitlines() if line[:1].isalpha())
    return first.partition("=")[0].partition("<")[0].partition("[")[0].strip()


def folder(environment: str) -> Path:
    """`google-genai-oldest` is tested by `google_genai_client`."""
    client = environment.removesuffix("-oldest").removesuffix("-newest")
    return TESTS / f"{FOLDERS.get(client, client).replace('-', '_')}_client"


def run(environment: str, *command: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as one process imports one version; `make clients` installs them."""
    overlay = ROOT / ".parts" / "clients" / environment
    assert overlay.is_dir(), "run `make clients`"
    outer = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "PYTEST_CURRENT_TEST")
    inherited = {name: value for name, value in os.environ.items() if name not in outer}
    variables = {**inherited, "PYTHONPATH": str(overlay)}
    arguments = [sys.executable, *command]
    return subprocess.run(arguments, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_client_in_an_environment_of_its_own(environment: str) -> None:
    """All its tests; of an old version without the fuzzing, which the newest one has."""
    client = distribution(environment)
    asked = f"import importlib.metadata as m; print(m.version({client!r}), m.distribution({client!r})._path)"
    version, _, path = run(environment, "-c", asked).stdout.partition(" ")
    assert f"clients/{environment}" in path
    old = environment.endswith("-oldest")
    assert not old or version == OLDEST.get(client, version)
    chosen = ["-k", "not malformed and not fuzz"] if old or environment == "openai-2" else []
    result = run(environment, "-m", "pytest", "-q", "-n1", "-p", "no:cacheprovider", *chosen, str(folder(environment)))
    assert result.returncode == 0, result.stdout[-6000:]
    assert " passed" in result.stdout
