"""The real launcher with two fake parts for Throughline's: `launcher.py RUN_FOLDER [OPTION OF STORE]`; prints READY."""

import sys
from collections.abc import Mapping
from pathlib import Path

from native.part import Part, http
from native.ports import Ports
from native.security import Security
from native.stack import Stack
from native.terminal import print_progress, reported_errors

FAKE = str(Path(__file__).with_name("fake_part.py"))


def two_parts(run: Path, ports: Ports, addresses: Mapping[str, str], security: Security | None) -> list[Part]:
    """`store`, with a process of its own, and `gateway`, which comes after it."""
    child = ("--child", str(run / "child"), *sys.argv[2:])
    return [
        Part(
            name="store",
            argv=(sys.executable, FAKE, str(ports["elasticsearch"]), "--touch", str(run / "store"), *child),
            ready=http(ports.url("elasticsearch")),
            grace=600,
        ),
        Part(
            name="gateway",
            argv=(sys.executable, FAKE, str(ports["gateway"]), "--touch", str(run / "gateway")),
            ready=http(ports.url("gateway")),
            after=("store",),
        ),
    ]


with reported_errors(), Stack(Path(sys.argv[1]), report=print_progress, names=["gateway"], parts=two_parts) as stack:
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    stack.supervisor.watch()
