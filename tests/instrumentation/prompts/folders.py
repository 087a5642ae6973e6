"""Folders of prompts as tests write them, and a clock that goes when it is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from throughline import prompts
from throughline.prompts import Problem

KEY = b"a key of thirty-two bytes, or so"
GREETING: dict[str, Any] = {
    "owner": "the help desk",
    "changelog": "Is polite.",
    "variables": {"question": "string"},
    "variants": {
        "plain": {"system": "Be plain.", "user": "{{ question }}"},
        "warm": {"system": "Be warm.", "user": "{{ question }}"},
        "terse": {"system": "Be terse.", "user": "{{ question }}"},
    },
}
WORDING: dict[str, Any] = {"prompt": "greeting", "variants": {"plain": 1, "warm": 1}, "control": "plain"}


@dataclass
class Written:
    """A folder, the library's view of it, and what that logged; both clocks stand until they are turned."""

    path: Path
    seconds: float = 1000.0
    moment: datetime = datetime(2026, 11, 26, tzinfo=UTC)
    said: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.path.mkdir(exist_ok=True)
        self.folder = prompts.Folder(
            self.path, key=KEY, say=self.said.append, clock=lambda: self.seconds, now=lambda: self.moment
        )

    def version(self, number: int, name: str = "greeting", **changes: Any) -> Path:
        """Write a version of the greeting, changed so."""
        return self.text(f"{name}/{number}.yaml", yaml.safe_dump({**GREETING, **changes}, sort_keys=False))

    def experiments(self, **experiments: Mapping[str, Any]) -> Path:
        """Write the wording experiment under these names, changed so."""
        told = {name.replace("_", "-"): {**WORDING, **changes} for name, changes in experiments.items()}
        return self.text("experiments.yaml", yaml.safe_dump(told, sort_keys=False))

    def text(self, name: str, content: str) -> Path:
        """In the place of what was there, as an editor does it."""
        file = self.path / name
        file.parent.mkdir(exist_ok=True)
        draft = file.with_name(f".{file.name}.draft")
        draft.write_text(content, encoding="utf-8")
        os.replace(draft, file)  # noqa: PTH105  # another file in the same place: another number of it
        return file

    def later(self, seconds: float = 1.0) -> None:
        """Turn both clocks."""
        self.seconds += seconds
        self.moment += timedelta(seconds=seconds)
