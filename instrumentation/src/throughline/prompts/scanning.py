"""Which files a folder of prompts has, and by what one sees that they changed; opens none of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from throughline.prompts.files import NAME
from throughline.prompts.problems import Problem
from throughline.prompts.stopping import STOPPED

EXPERIMENTS: Final = "experiments.yaml"
_VERSION: Final = re.compile(r"([1-9][0-9]{0,8})\.yaml")
_ENDINGS: Final = (".yaml", ".yml")

Signature = tuple[int, int, int]
"""Time of the last change, size and number of a file: a change leaves none of the three as they were by chance."""
_NOWHERE: Final = (0, 0, 0)
"""Of a file that is not there when one looks for it: who reads it learns why."""


@dataclass(slots=True)
class Found:
    """What is there: prompts by name and version, the experiments, the names of those that were stopped."""

    prompts: dict[tuple[str, int], Signature] = field(default_factory=dict)
    experiments: Signature | None = None
    stopped: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def scan(folder: Path) -> Found:
    """Raises OSError where it cannot be listed. What begins with a point, and what is no YAML, is left alone."""
    found = Found()
    for entry in _listed(folder):
        if _is_folder(entry):
            _folder(entry, found)
        elif entry.name == EXPERIMENTS:
            found.experiments = _signature(entry)
        elif entry.name.endswith(_ENDINGS):
            message = f"is no file that is looked for here: prompts are NAME/VERSION.yaml, experiments {EXPERIMENTS}"
            found.problems.append(Problem(entry.name, "", message))
    return found


def _folder(entry: os.DirEntry[str], found: Found) -> None:
    if entry.name == STOPPED:
        found.stopped = {each.name.removesuffix(".yaml") for each in _listed(entry) if each.name.endswith(".yaml")}
        return
    try:
        files = [each for each in _listed(entry) if each.name.endswith(_ENDINGS)]
    except OSError as error:
        if re.fullmatch(NAME, entry.name):
            found.problems.append(Problem(entry.name, "", f"cannot be read: {error.strerror}"))
        return
    if files and not re.fullmatch(NAME, entry.name):
        message = "is no name of a prompt: use small letters, digits, - and _, at most 64"
        found.problems.append(Problem(entry.name, "", message))
        return
    for file in files:
        if number := _VERSION.fullmatch(file.name):
            found.prompts[entry.name, int(number[1])] = _signature(file)
        else:
            message = "is no version: name it by its number, as 3.yaml"
            found.problems.append(Problem(f"{entry.name}/{file.name}", "", message))


def _listed(folder: Path | os.DirEntry[str]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _signature(entry: os.DirEntry[str]) -> Signature:
    """By the entry's own `stat`, which follows links: Kubernetes mounts files as such."""
    try:
        told = entry.stat()
    except OSError:
        return _NOWHERE
    return told.st_mtime_ns, told.st_size, told.st_ino
