"""The kill of an experiment: a file of its own in the folder, so that no other file need be sound or rewritten."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import yaml

from throughline.prompts.files import NAME
from throughline.prompts.problems import PromptError

STOPPED: Final = "stopped"
"""The folder of such files, and therefore the name of no prompt."""


@dataclass(frozen=True, slots=True)
class Stop:
    """When, by whom and why; empty where the file does not say, as one made by `touch`, which stops as well."""

    at: str = ""
    by: str = ""
    reason: str = ""


def stop(folder: Path, name: str, reason: str) -> None:
    """Give everybody the control from now on, in every process that sees this folder, within a second or so.

    Stopping again changes nothing but the reason. Raises PromptError for what is no name, and OSError.
    """
    file = _file(folder, name)
    told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "by": _who(), "reason": reason}
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _who() -> str:
    """In a container a user may have a number and no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def start(folder: Path, name: str) -> bool:
    """Take the kill back; whether there was one. Units get the variants that they had. Raises as `stop` does."""
    try:
        _file(folder, name).unlink()
    except FileNotFoundError:
        return False
    return True


def stops(folder: Path) -> Mapping[str, Stop]:
    """Experiment → its kill."""
    return {file.stem: _read(file) for file in sorted((folder / STOPPED).glob("*.yaml"))}


def _file(folder: Path, name: str) -> Path:
    if not re.fullmatch(NAME, name):
        raise PromptError(f"{name!r} is no name of an experiment: use small letters, digits, - and _")
    return folder / STOPPED / f"{name}.yaml"


def _read(file: Path) -> Stop:
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return Stop()
    return Stop(*(str(told.get(field, "")) for field in ("at", "by", "reason"))) if isinstance(told, dict) else Stop()
