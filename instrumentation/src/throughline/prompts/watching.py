"""A folder of prompt files, read again when they change, without a restart; what a file says is read in `reading`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

from throughline.identity import Identity, identity
from throughline.prompts.agreement import Versions, misfit
from throughline.prompts.assignment import assignment_key
from throughline.prompts.files import Experiment
from throughline.prompts.problems import BrokenFolderError, Problem
from throughline.prompts.prompt import Prompt
from throughline.prompts.reading import read_experiments, read_prompt
from throughline.prompts.scanning import EXPERIMENTS, Found, Signature, scan
from throughline.prompts.snapshot import Snapshot
from throughline.prompts.stopping import STOPPED

CHECKED_EVERY: Final = 1.0
"""Seconds between two looks at the files."""

_log = logging.getLogger(__name__)
_SAID: Final = "%s (said once; what was read before stays in use)"
_nobody: Final = Identity()
_reading = [Lock()]
"""One reader at a time. In a list, as a forked child needs another: nobody would give back the one that it inherits."""
os.register_at_fork(after_in_child=lambda: _reading.__setitem__(0, Lock()))


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read last: what it said when it was last sound, and what is wrong with it now."""

    signature: Signature
    good: Any = None
    problems: tuple[Problem, ...] = ()


class Folder:
    """Prompts and experiments of one folder, for any number of threads and tasks.

    `get` looks whether files changed at most once a second, in the caller's thread; others go on with what is known
    meanwhile. A file that cannot be read or is not sound costs nothing but itself: what it said before stays in use,
    and the log says once what is wrong. So does a prompt whose files are all gone, and a folder that is.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        key: bytes | None = None,
        say: Callable[[Problem], None] = lambda problem: _log.warning(_SAID, problem),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`key` is that of the hash that assigns variants, by default of THROUGHLINE_ASSIGNMENT_KEY_FILE. Raises
        ValueError where that cannot be used."""
        self.path = Path(path)
        self._key = assignment_key() if key is None else key
        self._say, self._clock, self._now = say, clock, now
        self._found: Found | None = None
        self._files: dict[str, _Read] = {}
        self._snapshot = Snapshot()
        self._due = float("-inf")

    def get(self, name: str, version: int | None = None, variant: str | None = None) -> Prompt:
        """As `throughline.prompts.get`."""
        snapshot = self.current()
        who = identity() if snapshot.experiments else _nobody
        return snapshot.choose(name, version, variant, who, self._now(), self._key)

    def current(self) -> Snapshot:
        """The folder as it is, or was a second ago."""
        if self._clock() >= self._due:
            first = self._found is None
            lock = _reading[0]
            if lock.acquire(blocking=first):
                try:
                    self._look()
                finally:
                    lock.release()
        return self._snapshot

    def _look(self) -> None:
        if self._clock() < self._due:
            return  # another thread has, while this one waited
        before = self._snapshot
        try:
            found = scan(self.path)
        except OSError as error:
            problem = Problem("", "", f"the folder {self.path} cannot be read: {error.strerror}")
            self._found = Found(problems=[problem])  # so that whatever it holds when it comes back is news
            self._snapshot = replace(before, problems=(problem,))
        else:
            if found != self._found:
                self._found, self._snapshot = found, self._taken(found)
        self._due = self._clock() + CHECKED_EVERY
        for problem in self._snapshot.problems:
            if problem not in before.problems:
                self._say(problem)

    def _taken(self, found: Found) -> Snapshot:
        self._files = dict(self._read_all(found))
        prompts = self._prompts(found)
        experiments: Mapping[str, Experiment] = (found.experiments and self._files[EXPERIMENTS].good) or {}
        unfit = {name: why for name, each in experiments.items() if (why := misfit(each, prompts))}
        wrong = sorted([*found.problems, *self._wrong(found, experiments, unfit)])
        return Snapshot(prompts, experiments, frozenset(found.stopped), frozenset(unfit), wrong)

    def _wrong(
        self, found: Found, experiments: Mapping[str, Experiment], unfit: Mapping[str, str]
    ) -> Iterator[Problem]:
        """What is wrong beside the names of files."""
        for each in self._files.values():
            yield from each.problems
        for name in self._snapshot.prompts.keys() - {name for name, _ in found.prompts}:
            yield Problem(f"{name}/", "", "has no version any more: put one back, or restart what uses it")
        for name, why in unfit.items():
            if not experiments[name].has_ended(self._now()):
                yield Problem(EXPERIMENTS, name, why)
        for name in found.stopped - experiments.keys():
            yield Problem(f"{STOPPED}/{name}.yaml", "", "no experiment has this name: take the file away")

    def _prompts(self, found: Found) -> Mapping[str, Versions]:
        """Those with a version that is sound, and those that had one."""
        prompts = dict[str, dict[int, Mapping[str, Prompt]]]()
        for name, version in found.prompts:
            if (good := self._files[f"{name}/{version}.yaml"].good) is not None:
                prompts.setdefault(name, {})[version] = good
        return dict(sorted({**self._snapshot.prompts, **prompts}.items()))

    def _read_all(self, found: Found) -> Iterator[tuple[str, _Read]]:
        for (name, version), signature in found.prompts.items():
            shown = f"{name}/{version}.yaml"
            yield shown, self._read(shown, signature, read_prompt, name, version)
        if found.experiments is not None:
            yield EXPERIMENTS, self._read(EXPERIMENTS, found.experiments, read_experiments)

    def _read(self, shown: str, signature: Signature, read: Callable[..., Any], *names: Any) -> _Read:
        known = self._files.get(shown)
        if known is not None and known.signature == signature:
            return known
        try:
            return _Read(signature, read(self.path / shown, shown, *names))
        except BrokenFolderError as error:
            problems = error.problems
        except Exception as error:  # whatever a file does to its reader, it is this file's fault alone
            problems = (Problem(shown, "", f"cannot be read: {type(error).__name__}"),)
        return _Read(signature, known.good if known else None, problems)


def look(path: Path | str) -> Snapshot:
    """The folder as it is now, with all that is wrong in `problems`; nothing is logged, and nobody is assigned."""
    return Folder(path, key=b"", say=lambda _: None).current()
