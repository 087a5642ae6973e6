"""One Elasticsearch node as a part: its configuration, its account, its command; not how its binaries are fetched."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import Final

from native.certificates import PASSWORD
from native.java import find_jdk
from native.part import MissingError, Part, http
from native.ports import HOST, Ports
from native.security import Security

# Elasticsearch refuses to run as root; `nobody` is what every Linux has.
_NOBODY: Final = 65534
_SETTINGS: Final = """\
cluster.name: throughline
node.name: native
network.host: {host}
http.port: {http}
transport.port: {transport}
discovery.type: single-node
path.data: {run}/data
path.logs: {run}/logs
path.repo: {run}/snapshots
# One node on a laptop, reachable from this machine only.
cluster.routing.allocation.disk.threshold_enabled: false
# A prompt of some ten megabytes must pass; it counts four times against the limit, by default a tenth of the heap.
http.max_content_length: 200mb
indexing_pressure.memory.limit: 40%
"""
_PLAIN: Final = "xpack.security.enabled: false\n"
_SECURED: Final = """\
xpack.security.enabled: true
xpack.security.enrollment.enabled: false
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.certificate: tls/certificate.pem
xpack.security.http.ssl.key: tls/key.pem
xpack.security.http.ssl.certificate_authorities: [tls/authority.pem]
xpack.security.http.ssl.client_authentication: required
xpack.security.http.ssl.supported_protocols: [TLSv1.3, TLSv1.2]
"""
# Its first user's password lies in a keystore, which only its own tool can write: again where the password is newer.
_WITH_KEYSTORE: Final = """\
[ "$2" -nt "$3" ] || "$1-keystore" add --stdin --force bootstrap.password <"$3" || exit
exec "$1"
"""
_JVM: Final = """\
-XX:+UseG1GC
-XX:TieredStopAtLevel=1
-XX:+ExitOnOutOfMemoryError
-XX:ErrorFile={run}/logs/jvm-error.log
-Djava.io.tmpdir={run}/tmp
--add-modules=jdk.incubator.vector
-Dorg.apache.lucene.store.defaultReadAdvice=normal
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
"""


def elasticsearch(home: Path, run: Path, ports: Ports, *, security: Security | None = None, heap: str = "512m") -> Part:
    """The node whose data, settings and logs live in the run folder."""
    health = f"{ports.address('elasticsearch')}/_cluster/health?wait_for_status=yellow&timeout=1s"

    def prepare() -> None:
        if not (home / "bin" / "elasticsearch").exists():
            raise MissingError("missing: Elasticsearch in .parts; run `make elasticsearch`")
        _await_predecessor(run / "data" / "node.lock")
        _configure(home, run, ports, security)

    environment = {
        "ES_JAVA_HOME": str(find_jdk()),
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
        "ES_PATH_CONF": str(run / "config"),
        "ES_TMPDIR": str(run / "tmp"),
    }
    return Part(
        name="elasticsearch",
        argv=(*_unprivileged(), *_command(home / "bin" / "elasticsearch", run / "config", security)),
        environment=environment,
        ready=security.elasticsearch_answers(f"https://{health}") if security else http(f"http://{health}"),
        deadline=180,
        grace=20,
        prepare=prepare,
    )


def _command(program: Path, configuration: Path, security: Security | None) -> tuple[str, ...]:
    if security is None:
        return (str(program),)
    files = configuration / "elasticsearch.keystore", configuration / "tls" / PASSWORD
    return ("sh", "-c", _WITH_KEYSTORE, "sh", str(program), *map(str, files))


def _configure(home: Path, run: Path, ports: Ports, security: Security | None) -> None:
    for folder in ("config", "data", "logs", "tmp", "snapshots"):
        (run / folder).mkdir(parents=True, exist_ok=True)
    settings = _SETTINGS.format(
        host=HOST, http=ports["elasticsearch"], transport=ports["elasticsearch-transport"], run=run
    )
    (run / "config" / "elasticsearch.yml").write_text(settings + (_SECURED if security else _PLAIN))
    (run / "config" / "jvm.options").write_text(_JVM.format(run=run))
    shutil.copy(home / "config" / "log4j2.properties", run / "config")
    if security:  # it reads certificates below its own configuration only
        shutil.copytree(security.folder / "elasticsearch", run / "config" / "tls", dirs_exist_ok=True)
    if os.geteuid() == 0:
        _give_away(run)


def _unprivileged() -> tuple[str, ...]:
    """As root, the command that gives that up; it must ask anew for the kill at the launcher's death."""
    if os.geteuid() != 0:
        return ()
    if not (setpriv := shutil.which("setpriv")):
        raise MissingError("missing: setpriv (package util-linux), to start Elasticsearch as root; or be another user")
    account = (f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
    return (setpriv, *account, "--pdeathsig", "KILL", "--")


def _give_away(run: Path) -> None:
    """Make the node's folder its account's own, and see that the way to it is open to that account."""
    for path in (run, *run.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    for parent in run.parents:
        if not parent.stat().st_mode & 0o001:
            raise MissingError(f"as root, Elasticsearch is run as `nobody`, and {parent} is closed to it")


def _await_predecessor(lock: Path, seconds: float = 30) -> None:
    """After a kill -9 of the launcher the old node needs a moment to go; its lock tells when it has."""
    deadline = time.monotonic() + seconds
    while lock.exists():
        with lock.open("a") as held:
            try:
                fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise MissingError(f"another Elasticsearch uses {lock.parent}; end it first") from None
        time.sleep(0.1)
