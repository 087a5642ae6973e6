"""`make collector` on a machine that is not ready, and on one where all is done; it builds nothing itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from collector.running import CONFIGURATION, ROOT

TOOLS = ("bash", "env", "sort", "dirname", "awk", "mkdir", "rm", "cp", "mv", "cat")
MAKE = shutil.which("make") or "make"
OLD_AND_NEW = [("go1.24.9", False), ("go1.9", False), ("go1.25", True), ("go1.26.1", True)]
GO = """#!/usr/bin/env bash
[[ $1 == env ]] && echo {version} || {{ echo "went on" >&2; exit 9; }}
"""


def _run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = variables or dict(os.environ)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _build(tools: Path) -> str:
    """What the build says on a machine with these tools; it must not succeed."""
    arguments = ("Collector", "collector-config", ".", tools / "otelcol")
    done = _run(CONFIGURATION / "gobuild.sh", *arguments, PATH=str(tools))
    assert done.returncode == 1
    return done.stderr


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with what a bare machine has, and no Go."""
    folders = os.environ["PATH"].split(os.pathsep)
    for tool in TOOLS:
        found = next(path for folder in folders if (path := Path(folder, tool)).exists())
        (tmp_path / tool).symlink_to(found)
    return tmp_path


def test_a_machine_without_go_is_told_what_is_missing(tools: Path) -> None:
    """One line that names it, instead of a shell's complaint."""
    assert _build(tools) == "missing: Go 1.25 or later, to build Collector\n"


@pytest.mark.parametrize(("version", "enough"), OLD_AND_NEW)
def test_an_old_go_is_told_apart(tools: Path, version: str, enough: bool) -> None:
    """1.9 is older than 1.25, and 1.25 itself will do."""
    (tools / "go").write_text(GO.format(version=version))
    (tools / "go").chmod(0o755)
    complaint = f"missing: Go 1.25 or later, to build Collector; go is {version[2:]}\n"
    assert _build(tools) == ("went on\n" if enough else complaint)


@pytest.mark.parametrize(
    ("target", "module"), [("collector", "collector-config/go.sum"), ("jaeger", "deploy/native/jaeger/go.mod")]
)
def test_what_is_built_is_built_again_only_for_a_reason(target: str, module: str) -> None:
    """Up to date, make has nothing to do; were an input newer, it would build."""
    assert _run(MAKE, "--question", target).returncode == 0
    assert _run(MAKE, "--question", f"--what-if={module}", target).returncode == 1
