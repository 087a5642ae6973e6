"""What `make up` gives to a person, with a stand-in for docker that copies from a folder: the engine is not needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from compose.composed import FOLDER, Plain, mounts
from native.stack import Stack

DOCKER = """#!/bin/sh
while [ "$1" != cp ]; do shift; done
mkdir -p "$(dirname "$3")" && cp -r "$CONTAINERS/${2%%:*}/${2#*:}" "$3"
"""


@pytest.fixture
def folder(tmp_path: Path, services: dict[str, Plain]) -> Path:
    """The folder that it fills, out of containers that have what their volumes hold."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    with_secrets = Stack(tmp_path / "run", secure=True, environment={})
    with_secrets.close()
    for name in ("auditor", "operator"):
        (tmp_path / "run" / "tls" / "operator" / f"{name}_api_key").touch()
    for service in ("housekeeping", "gateway"):
        for source, target, _ in mounts(services[service]):
            origin = tmp_path / "run" / "tls" / source.removeprefix("tls-") if "tls-" in source else tmp_path / "run"
            if "spool" not in source:
                shutil.copytree(origin, tmp_path / "containers" / service / target.lstrip("/"), dirs_exist_ok=True)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "CONTAINERS": str(tmp_path / "containers")}
    made = tmp_path / "a home" / "access"
    subprocess.run([FOLDER / "access.sh", made], env={**environment, "JAEGER_PORT": "26686"}, check=True)
    return made


def test_names_what_the_native_stack_names_and_files_that_are_there(folder: Path, tmp_path: Path) -> None:
    told = dict(line.split("=", 1) for line in (folder / "stack.env").read_text().splitlines())
    native = Stack(tmp_path / "native", secure=True, environment={})
    native.close()
    assert told.keys() <= native.addresses.keys()
    assert told.pop("THROUGHLINE_PROMPTS") == native.addresses["THROUGHLINE_PROMPTS"]
    files = {Path(value) for value in told.values() if value.startswith("/")}
    assert len(files) == 9
    assert all(file.is_file() for file in files)
    assert told["JAEGER_URL"] == "https://127.0.0.1:26686"


def test_is_closed_to_others(folder: Path) -> None:
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}
