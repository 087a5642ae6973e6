"""Fetches Elastic's own binaries from Maven Central into .parts/elasticsearch; it starts nothing.

`python -m native.elasticsearch.fetch VERSION`, which is what `make elasticsearch` runs.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from native.java import find_jdk
from native.part import MissingError

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parents[2] / ".parts" / "elasticsearch"
ARCHIVE_BYTES: Final = 946_639_592
# The archive brings Elasticsearch without its start scripts; these are what its own command-line launchers expect.
_START: Final = """\
#!/bin/bash
source "$(dirname "$0")"/elasticsearch-env
export JAVA ES_HOME ES_PATH_CONF ES_DISTRIBUTION_TYPE JAVA_TYPE
exec "$JAVA" -Xms4m -Xmx64m -XX:+UseSerialGC -cp "$ES_HOME/lib/tools/server-launcher/*" \\
  org.elasticsearch.server.launcher.ServerLauncher "$@"
"""
_TOOL: Final = """\
#!/bin/bash
CLI_NAME={name}
CLI_LIBS={libraries}
source "$(dirname "$0")"/elasticsearch-cli
"""
_TOOLS: Final = {
    "keystore": "lib/tools/keystore-cli",
    "users": "modules/x-pack-core,modules/x-pack-security,lib/tools/security-cli",
}


def main() -> int:
    """Fetch the version asked for unless it is there; 1 and a message when something that it takes is missing."""
    version = sys.argv[1]
    stamp, state = TARGET / "complete", _state(version)
    if stamp.exists() and stamp.read_text() == state:
        return 0
    try:
        find_jdk()
        _fetch(version)
    except (MissingError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stamp.write_text(state)
    return 0


def _state(version: str) -> str:
    """What the unpacked home depends on: the version, the pom and the scripts added."""
    sources = (HERE / "pom.xml").read_text() + _START + _TOOL + str(_TOOLS)
    return f"{version} {hashlib.sha256(sources.encode()).hexdigest()}\n"


def _fetch(version: str) -> None:
    """Download, unpack, complete; the archive and all that Maven brings for it are removed, whatever happens."""
    maven = shutil.which("mvn")
    if not maven:
        raise MissingError("missing: mvn (Apache Maven 3.6 or later), to fetch Elasticsearch from Maven Central")
    shutil.rmtree(TARGET, ignore_errors=True)
    work = TARGET / "work"
    try:
        _download(maven, work)
        (home,) = (work / "unpacked").glob("sonarqube-*/elasticsearch")
        _complete(home, version)
        home.rename(TARGET / "home")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(maven: str, work: Path) -> None:
    repository, unpacked = work / "repository", work / "unpacked"
    unpacked.mkdir(parents=True)
    goal = (
        "-Dstyle.color=never",
        f"-Dmaven.repo.local={repository}",
        f"-Dunpack.directory={unpacked}",
        "generate-resources",
    )
    with subprocess.Popen([maven, "-B", "-q", "-f", str(HERE / "pom.xml"), *goal]) as process:
        _show_progress(process, repository)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "mvn generate-resources")


def _show_progress(process: subprocess.Popen[bytes], repository: Path) -> None:
    """A bar of the archive's growing file, because Maven shows none where nobody can type."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("Elasticsearch", total=ARCHIVE_BYTES)
        while process.poll() is None:
            sizes = [path.stat().st_size for path in repository.glob("org/sonarsource/**/*.zip*") if path.exists()]
            progress.update(task, completed=max(sizes, default=0))
            if progress.tasks[task].completed >= ARCHIVE_BYTES:
                progress.update(task, description="unpacking")
            time.sleep(0.2)


def _complete(home: Path, version: str) -> None:
    """Check that it is the version meant, add the start scripts, and let every account read it."""
    if not (home / "lib" / f"elasticsearch-{version}.jar").exists():
        raise MissingError(
            f"the archive of {HERE / 'pom.xml'} does not hold Elasticsearch {version}: change carrier.version"
        )
    (home / "plugins").mkdir(exist_ok=True)
    scripts = {"elasticsearch": _START}
    scripts |= {f"elasticsearch-{name}": _TOOL.format(name=name, libraries=path) for name, path in _TOOLS.items()}
    for name, text in scripts.items():
        (home / "bin" / name).write_text(text)
    for path in (TARGET, home, *home.rglob("*")):
        runnable = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if runnable else 0o644)


if __name__ == "__main__":
    sys.exit(main())
