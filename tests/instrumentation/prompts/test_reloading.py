"""A folder that changes while it is used: seen within a second, by whoever asks, and never for the worse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from instrumentation.prompts.folders import GREETING, Written
from throughline import prompts
from throughline.prompts import scanning, watching


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Grows with each look at the files."""
    found: list[Path] = []

    def scan(path: Path) -> scanning.Found:
        found.append(path)
        return scanning.scan(path)

    monkeypatch.setattr(watching, "scan", scan)
    return found


def test_files_are_looked_at_once_a_second_at_most(greeting: Written, looks: list[Path]) -> None:
    for _ in range(50):
        greeting.folder.get("greeting")
        greeting.later(0.1)
    assert len(looks) == 5


def test_a_change_is_seen_a_second_later_without_a_restart(greeting: Written) -> None:
    assert greeting.folder.get("greeting").version == 1
    greeting.version(2)
    greeting.later(0.9)
    assert greeting.folder.get("greeting").version == 1
    greeting.later(0.1)
    assert greeting.folder.get("greeting").version == 2
    (greeting.path / "greeting" / "2.yaml").unlink()
    greeting.later()
    assert greeting.folder.get("greeting").version == 1


def test_a_file_that_is_written_in_its_place_is_seen(greeting: Written) -> None:
    file = greeting.path / "greeting" / "1.yaml"
    before = greeting.folder.get("greeting").template_hash
    written = file.stat()
    file.write_text(file.read_text().replace("Be plain.", "Be vague."))  # as long as before
    os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns + 1))
    greeting.later()
    assert greeting.folder.get("greeting").template_hash != before


def test_a_file_that_did_not_change_is_not_read_again(greeting: Written) -> None:
    first = greeting.folder.get("greeting")
    greeting.version(2)
    greeting.later()
    assert greeting.folder.get("greeting", version=1) is first


def test_a_broken_file_keeps_what_it_said_before_and_that_is_said_once(greeting: Written) -> None:
    good = greeting.folder.get("greeting")
    for content in ("owner: [", "owner: x\n"):
        greeting.text("greeting/1.yaml", content)
        for _ in range(3):
            greeting.later()
            assert greeting.folder.get("greeting") == good
    broken, *missing = map(str, greeting.said)
    assert re.match(r"greeting/1\.yaml: line \d: is no YAML: ", broken)
    assert missing == [f"greeting/1.yaml: {field}: is missing: add it" for field in ("changelog", "variants")]
    greeting.version(1, changelog="Mended.")
    greeting.later()
    assert greeting.folder.get("greeting").changelog == "Mended."
    assert greeting.folder.current().problems == []


def test_a_broken_new_version_leaves_the_one_before_in_use_whoever_started_when(greeting: Written) -> None:
    greeting.folder.get("greeting")
    greeting.version(2, owner="")
    greeting.later()
    assert greeting.folder.get("greeting").version == 1
    assert prompts.Folder(greeting.path, key=b"", say=lambda _: None).get("greeting").version == 1


def test_broken_experiments_stay_as_they_were(greeting: Written) -> None:
    greeting.experiments(wording={})
    assert list(greeting.folder.current().experiments) == ["wording"]
    greeting.text("experiments.yaml", "wording: {prompt: greeting}")
    greeting.later()
    assert greeting.folder.current().experiments["wording"].control == "plain"
    assert {problem.field for problem in greeting.said} == {"wording.variants", "wording.control"}


def test_a_prompt_and_a_folder_that_vanish_are_served_as_they_were(greeting: Written) -> None:
    good = greeting.folder.get("greeting")
    (greeting.path / "greeting" / "1.yaml").unlink()
    greeting.later()
    assert greeting.folder.get("greeting") == good
    (greeting.path / "greeting").rmdir()
    greeting.path.rmdir()
    for _ in range(3):
        greeting.later()
        assert greeting.folder.get("greeting") == good
    assert [problem.file for problem in greeting.said] == ["greeting/", ""]
    greeting.path.mkdir()
    greeting.version(4)
    greeting.later()
    assert greeting.folder.get("greeting").version == 4


def test_a_folder_that_comes_back_empty_is_no_longer_said_to_be_unreadable(greeting: Written) -> None:
    greeting.experiments(wording={})
    assert greeting.folder.current().experiments
    greeting.path.rename(greeting.path.with_name("away"))
    greeting.later()
    assert "cannot be read" in greeting.folder.current().problems[0].message
    greeting.path.mkdir()
    greeting.later()
    assert [problem.file for problem in greeting.folder.current().problems] == ["greeting/"]
    assert greeting.folder.current().experiments == {}


def test_a_folder_that_was_never_there_is_told_and_found_when_it_comes(tmp_path: Path) -> None:
    written = Written(tmp_path / "prompts")
    written.path.rmdir()
    with pytest.raises(prompts.UnknownPromptError):
        written.folder.get("greeting")
    assert "cannot be read" in written.said[0].message
    written.path.mkdir()
    written.version(1)
    written.later()
    assert written.folder.get("greeting").version == 1


def test_what_a_reader_never_foresaw_costs_its_file_alone(greeting: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise RecursionError("with a quotation of the file")

    greeting.folder.get("greeting")
    monkeypatch.setattr(watching, "read_prompt", read)
    greeting.version(2)
    greeting.later()
    assert greeting.folder.get("greeting").version == 1
    assert [str(problem) for problem in greeting.said] == ["greeting/2.yaml: cannot be read: RecursionError"]


def test_threads_see_whole_prompts_only_and_in_the_end_the_last(tmp_path: Path) -> None:
    written = Written(tmp_path / "prompts")
    written.folder = prompts.Folder(written.path, say=written.said.append, clock=iter(range(10**9)).__next__)
    written.version(1)
    seen, failed, done = set[str](), list[BaseException](), threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                system, user = written.folder.get("greeting").render(question="When?")
                seen.add(system["content"] + user["content"])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(25):
        plain = {"system": f"Number {number}.", "user": f"{number} {{{{ question }}}}"}
        written.version(1, variants={**GREETING["variants"], "plain": plain})
    done.set()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert written.said == []
    wordings = {f"Number {number}.{number} When?" for number in range(25)} | {"Be plain.When?"}
    assert seen <= wordings
    assert written.folder.get("greeting").render(question="When?")[1]["content"] == "24 When?"


FORKED = """
import os, sys
from throughline.prompts import Folder, watching
ticks = iter(range(10**9))
own = Folder(sys.argv[1], clock=ticks.__next__)
own.get("greeting")
watching._reading[0].acquire()  # as a thread of the parent would have it at the fork
if os.fork() == 0:
    os.rename(sys.argv[2], sys.argv[1] + "/greeting/2.yaml")
    os._exit(own.get("greeting").version)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_forked_child_sees_changes_though_its_parent_was_looking(greeting: Written, tmp_path: Path) -> None:
    later = greeting.version(2).rename(tmp_path / "2.yaml")
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(greeting.path), str(later)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "2"


@pytest.mark.complains
def test_by_default_it_is_said_in_the_log(greeting: Written, caplog: pytest.LogCaptureFixture) -> None:
    own = prompts.Folder(greeting.path, key=b"")
    greeting.version(2, owner="")
    assert own.get("greeting").version == 1
    (line,) = caplog.messages
    assert line.startswith("greeting/2.yaml: owner: ")
