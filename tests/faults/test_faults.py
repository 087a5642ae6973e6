"""What is killed, stopped, full, slow or refusing costs no record: each call that returned has one, and only one."""

from __future__ import annotations

import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from collector.running import eventually
from faults.ground import Application, Ground, ground

pytestmark = [pytest.mark.stack, pytest.mark.timeout(480)]

MINUTE = 60.0
RANDOM_SECONDS = 150.0


@pytest.fixture(scope="module")
def parts() -> Iterator[Ground]:
    # Not pytest's own folder: as root, Elasticsearch runs as `nobody`, and that one is closed to others.
    folder = Path(tempfile.mkdtemp(prefix="throughline-faults-"))
    folder.chmod(0o711)
    try:
        with ground(folder) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def load(parts: Ground, request: pytest.FixtureRequest) -> Iterator[list[Application]]:
    """Two applications on one machine, under load, with one spool. Afterwards each returned call has one record."""
    name = request.node.name.partition("[")[0].removeprefix("test_") + request.node.name.partition("[")[2].strip("]")
    spool = parts.folder / f"spool-{name.replace(' ', '-')}"
    applications = [parts.application(f"{spool.name}-{letter}", spool) for letter in "ab"]
    for application in applications:
        application.start()
    answered(applications)
    yield applications
    answered(applications, 5)
    for application in applications:
        application.stop()
    parts.send_left_overs(spool)
    tally = parts.tally(applications)
    request.node.user_properties.append(("tally", f"{request.node.name}: {tally}"))
    assert (tally.lost, tally.doubled) == ([], []), tally
    assert tally.returned > 100
    code, said = parts.verdict()
    assert code == 0, said


def answered(applications: list[Application], calls: int = 40) -> None:
    """Wait until each application has had so many more calls answered, whatever is away meanwhile."""
    goals = [(application, len(application.returned) + calls) for application in applications]
    eventually(lambda: all(len(each.returned) >= goal for each, goal in goals), f"{calls} more calls each")


def meanwhile(applications: list[Application], seconds: float) -> None:
    """Let so much time pass under load, in which calls must go on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answered(applications, 5)


def test_applications_killed(parts: Ground, load: list[Application]) -> None:
    for application in load:
        application.kill()
        application.start()
        answered(load)
    load[0].kill()  # whose left-overs the other one has to send
    answered(load[1:])
    load[0].start()


def test_collector_killed(parts: Ground, load: list[Application]) -> None:
    for _ in range(2):
        parts.collector.kill()
        answered(load)
        parts.collector.start()
        answered(load)


def test_collector_away_for_longer_than_an_exporter_tries(parts: Ground, load: list[Application]) -> None:
    parts.collector.stop()
    meanwhile(load, 45)
    load[0].kill()
    load[0].start()
    answered(load)
    parts.collector.start()


def test_elasticsearch_stopped_for_a_minute(parts: Ground, load: list[Application]) -> None:
    parts.kill_elasticsearch()
    meanwhile(load, MINUTE)
    parts.collector.kill()
    parts.collector.start()
    parts.start_elasticsearch()
    answered(load)


def test_disk_full(parts: Ground, load: list[Application]) -> None:
    parts.block_writing(blocked=True)
    answered(load, 80)
    parts.block_writing(blocked=False)


@pytest.mark.parametrize("fault", ["slow", "429", "503", "lost answer"])
def test_elasticsearch_misbehaves(parts: Ground, load: list[Application], fault: str) -> None:
    parts.proxy.fault = fault
    before = parts.proxy.met[fault]
    eventually(lambda: parts.proxy.met[fault] >= before + 3, f"three requests that meet {fault}")
    answered(load)
    parts.proxy.fault = None


def test_all_of_it_in_random_order(parts: Ground, load: list[Application], request: pytest.FixtureRequest) -> None:
    seed = secrets.randbelow(10**6)
    request.node.user_properties.append(("seed", f"{request.node.name}: seed {seed}"))
    dice = random.Random(seed)  # noqa: S311 - the order of faults, to be had again
    end = time.monotonic() + RANDOM_SECONDS
    while time.monotonic() < end:
        dice.choice(FAULTS)(parts, load, dice)
        answered(load, 10)


def kill_an_application(parts: Ground, load: list[Application], dice: random.Random) -> None:
    application = dice.choice(load)
    application.kill()
    application.start()


def kill_the_collector(parts: Ground, load: list[Application], dice: random.Random) -> None:
    parts.collector.kill()
    meanwhile(load, dice.uniform(0, 8))
    parts.collector.start()


def kill_elasticsearch(parts: Ground, load: list[Application], dice: random.Random) -> None:
    parts.kill_elasticsearch()
    meanwhile(load, dice.uniform(0, 8))
    parts.start_elasticsearch()


def fill_the_disk(parts: Ground, load: list[Application], dice: random.Random) -> None:
    parts.block_writing(blocked=True)
    meanwhile(load, dice.uniform(1, 8))
    parts.block_writing(blocked=False)


def misbehave(parts: Ground, load: list[Application], dice: random.Random) -> None:
    parts.proxy.fault = dice.choice(["slow", "429", "503", "lost answer"])
    meanwhile(load, dice.uniform(1, 8))
    parts.proxy.fault = None


FAULTS: list[Callable[[Ground, list[Application], random.Random], None]] = [
    kill_an_application,
    kill_the_collector,
    kill_elasticsearch,
    fill_the_disk,
    misbehave,
]
