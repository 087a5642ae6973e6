"""Finds a Java development kit new enough for Elasticsearch among those the machine has; it installs none."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from native.part import MissingError

OLDEST = 21
_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/*jdk*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)
_HOME_PLACES = (".sdkman/candidates/java/*", ".jdks/*")


def find_jdk() -> Path:
    """The home of the newest complete JDK found; JAVA_HOME wins if it will do."""
    versions = {home: _version(home) for home in _homes()}
    suitable = [home for home, version in versions.items() if version >= OLDEST]
    if not suitable:
        found = ", ".join(f"{home} ({version})" for home, version in versions.items() if version) or "none"
        raise MissingError(
            f"missing: a JDK, version {OLDEST} or later, for Elasticsearch (a runtime without javac will not do).\n"
            f"Found: {found}. Install one, for example Temurin 25, or set JAVA_HOME to it."
        )
    chosen = os.environ.get("JAVA_HOME")
    if chosen and Path(chosen).resolve() in suitable:
        return Path(chosen).resolve()
    return max(suitable, key=lambda home: versions[home])


def _homes() -> Iterator[Path]:
    """Candidates without repetition, symbolic links resolved."""
    named = [os.environ.get("JAVA_HOME"), os.environ.get("ES_JAVA_HOME")]
    places = [Path(name) for name in named if name]
    if compiler := shutil.which("javac"):
        places.append(Path(compiler).resolve().parent.parent)
    for pattern in _PLACES:
        places.extend(sorted(Path("/").glob(pattern.removeprefix("/"))))
    for pattern in _HOME_PLACES:
        places.extend(sorted(Path.home().glob(pattern)))
    yield from dict.fromkeys(place.resolve() for place in places if place.is_dir())


def _version(home: Path) -> int:
    """The feature version from the JDK's `release` file; 0 for what is not a complete JDK."""
    release = home / "release"
    if not (home / "bin" / "javac").exists() or not release.is_file():
        return 0
    match = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
    return int(match[1]) if match else 0
