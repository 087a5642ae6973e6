"""Order, readiness, failure and stopping of parts, with tiny real processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from native.part import MissingError, Part, http
from native.ports import Ports
from native.supervisor import PartFailedError, State, Supervisor

FAKE = str(Path(__file__).with_name("fake_part.py"))
Events = list[tuple[str, State]]


class Fakes:
    """Makes fake parts and supervisors over them, and remembers what was reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = Ports()
        self.events: Events = []
        self.supervisors: list[Supervisor] = []

    def server(self, name: str, *options: str, **fields: Any) -> Part:
        argv = (sys.executable, FAKE, str(self.ports[name]), "--touch", str(self.folder / name), *options)
        return Part(name=name, argv=argv, ready=http(self.ports.url(name)), **fields)

    def step(self, name: str, code: str, **fields: Any) -> Part:
        return Part(name=name, argv=(sys.executable, "-c", code), **fields)

    def supervisor(self, *parts: Part) -> Supervisor:
        def report(part: Part, state: State, _seconds: float) -> None:
            self.events.append((part.name, state))

        self.supervisors.append(Supervisor(parts, self.folder / "logs", report=report))
        return self.supervisors[-1]

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(int((self.folder / name).read_text()))


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[Fakes]:
    made = Fakes(tmp_path)
    yield made
    for supervisor in made.supervisors:
        supervisor.stop()


def test_a_part_starts_only_when_what_it_comes_after_is_ready(fakes: Fakes) -> None:
    supervisor = fakes.supervisor(
        fakes.server("last", after=("middle",)),
        fakes.step("middle", "print('loaded')", after=("first",)),
        fakes.server("first"),
    )
    supervisor.start()
    order = [(name, state) for name in ("first", "middle", "last") for state in (State.STARTING, State.READY)]
    assert fakes.events == order


def test_independent_parts_start_together(fakes: Fakes) -> None:
    """Each is healthy only once the other has started: one after the other would never be."""
    left = fakes.server("left", "--needs", str(fakes.folder / "right"), deadline=20)
    right = fakes.server("right", "--needs", str(fakes.folder / "left"), deadline=20)
    fakes.supervisor(left, right).start()
    assert {name for name, state in fakes.events if state is State.READY} == {"left", "right"}


def test_only_what_is_asked_for_and_needed_starts_and_a_later_start_adds_the_rest(fakes: Fakes) -> None:
    supervisor = fakes.supervisor(
        fakes.server("store"), fakes.server("reader", after=("store",)), fakes.server("other")
    )
    supervisor.start(["store"])
    store = supervisor.processes["store"]
    supervisor.start(["reader"])
    assert supervisor.processes.keys() == {"store", "reader"}
    assert supervisor.processes["store"] == store


def test_an_unknown_name_is_said_before_anything_starts(fakes: Fakes) -> None:
    supervisor = fakes.supervisor(fakes.server("store"))
    with pytest.raises(ValueError, match="no part is called stroe; there are store"):
        supervisor.start(["store", "stroe"])
    assert not fakes.events


SAYS = "import sys; print('no such index', flush=True)"


@pytest.mark.parametrize(
    ("code", "fields", "message"),
    [
        (f"{SAYS}; sys.exit(4)", {}, "load ended with exit code 4"),
        (SAYS, {"ready": lambda: False}, "load ended with exit code 0"),
    ],
    ids=["a step fails", "a server ends without an error"],
)
def test_what_does_not_come_up_is_reported_with_its_log(
    fakes: Fakes, code: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(PartFailedError, match=message) as failure:
        fakes.supervisor(fakes.step("load", code, **fields)).start()
    assert "no such index" in str(failure.value)
    assert str(fakes.folder / "logs" / "load.log") in str(failure.value)


def test_what_is_not_ready_in_time_is_reported_with_its_log(fakes: Fakes) -> None:
    log = fakes.folder / "logs" / "load.log"

    def never_but_once_it_has_spoken() -> bool:
        while "no such index" not in log.read_text():
            time.sleep(0.01)
        return False

    part = fakes.step("load", f"{SAYS}; import time; time.sleep(60)", ready=never_but_once_it_has_spoken, deadline=0.01)
    with pytest.raises(PartFailedError, match=r"load was not ready after 0 s[\s\S]*no such index"):
        fakes.supervisor(part).start()


def test_a_program_that_is_not_there_is_named(fakes: Fakes) -> None:
    part = Part(name="store", argv=(str(fakes.folder / "absent"),))
    with pytest.raises(MissingError, match="absent, for store; run `make setup parts`"):
        fakes.supervisor(part).start()


def test_only_the_end_of_a_long_log_is_reported(fakes: Fakes) -> None:
    chatty = "print('\\n'.join(f'line {n}.' for n in range(1000))); raise SystemExit(3)"
    with pytest.raises(PartFailedError) as failure:
        fakes.supervisor(fakes.step("load", chatty)).start()
    assert "line 999." in str(failure.value)
    assert "line 100." not in str(failure.value)


def test_a_part_that_ends_while_watched_is_reported(fakes: Fakes) -> None:
    supervisor = fakes.supervisor(fakes.server("store"))
    supervisor.start()
    fakes.process("store").kill()
    with pytest.raises(PartFailedError, match="store ended with exit code -9"):
        supervisor.watch()
    assert fakes.events[-1] == ("store", State.FAILED)


def test_watching_ends_when_its_condition_holds(fakes: Fakes) -> None:
    answers = iter([False, True])
    fakes.supervisor().watch(until=lambda: next(answers))


def test_stopping_goes_from_the_outside_in(fakes: Fakes) -> None:
    supervisor = fakes.supervisor(
        fakes.server("store"), fakes.step("load", "", after=("store",)), fakes.server("reader", after=("load",))
    )
    supervisor.start()
    running = [fakes.process(name) for name in ("store", "reader")]
    fakes.events.clear()
    supervisor.stop()
    assert fakes.events == [("reader", State.STOPPED), ("store", State.STOPPED)]
    assert not [process for process in running if process.is_running()]


def test_what_feeds_a_part_may_start_before_it_but_stops_before_it_too(fakes: Fakes) -> None:
    sink = fakes.server("sink", "--needs", str(fakes.folder / "source"))
    supervisor = fakes.supervisor(sink, fakes.server("source", feeds=("sink",)))
    supervisor.start(["source"])
    fakes.events.clear()
    supervisor.stop()
    assert fakes.events == [("source", State.STOPPED), ("sink", State.STOPPED)]


def test_a_part_that_ignores_the_request_to_end_is_killed_with_its_children(fakes: Fakes) -> None:
    child = fakes.folder / "child"
    supervisor = fakes.supervisor(fakes.server("store", "--stubborn", "--child", str(child), grace=0.3))
    supervisor.start()
    parent, orphan = fakes.process("store"), psutil.Process(int(child.read_text()))
    supervisor.stop()
    assert not parent.is_running()
    psutil.wait_procs([orphan], timeout=10)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE


def test_a_stopped_stack_can_start_again(fakes: Fakes) -> None:
    supervisor = fakes.supervisor(fakes.server("store"))
    supervisor.start()
    supervisor.stop()
    supervisor.start()
    assert fakes.process("store").is_running()


def test_a_part_sees_its_own_variables_over_the_common_ones(tmp_path: Path) -> None:
    code = "import os, pathlib; pathlib.Path(os.environ['TARGET']).write_text(os.environ['A'] + os.environ['B'])"
    target = tmp_path / "seen"
    part = Part(name="step", argv=(sys.executable, "-c", code), environment={"B": "own", "TARGET": str(target)})
    Supervisor([part], tmp_path, environment={"A": "common ", "B": "common"}).start()
    assert target.read_text() == "common own"
