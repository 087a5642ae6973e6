"""Prompts as versioned files, and experiments between their wordings: chosen, filled in, recorded. Calls no model."""

from __future__ import annotations

import os

try:
    import jinja2  # noqa: F401
    import pydantic  # noqa: F401
    import yaml  # noqa: F401
except ModuleNotFoundError as missing:
    advice = f"throughline.prompts needs {missing.name}: pip install 'throughline[prompts]'"
    raise ModuleNotFoundError(advice, name=missing.name) from None

from throughline.prompts.files import Experiment, Guardrail, Kind, Unit
from throughline.prompts.problems import BrokenFolderError, Problem, PromptError, RenderingError, UnknownPromptError
from throughline.prompts.prompt import Prompt
from throughline.prompts.snapshot import Snapshot, State
from throughline.prompts.stopping import Stop, start, stop, stops
from throughline.prompts.watching import Folder, look
from throughline.settings import PROMPTS

__all__ = [
    "BrokenFolderError",
    "Experiment",
    "Folder",
    "Guardrail",
    "Kind",
    "Problem",
    "Prompt",
    "PromptError",
    "RenderingError",
    "Snapshot",
    "State",
    "Stop",
    "Unit",
    "UnknownPromptError",
    "folder",
    "get",
    "look",
    "start",
    "stop",
    "stops",
]

_folders: dict[str, Folder] = {}


def get(name: str, version: int | None = None, variant: str | None = None) -> Prompt:
    """The prompt of this name: its highest version, unless one is asked for, in the variant that is the caller's.

    A `variant` that is asked for is given, and belongs to no experiment. Else, where an experiment on this prompt runs
    and has whoever asks (`throughline.identity()`) among its units, it is the one drawn for him, always the same;
    everybody else gets the experiment's control, and where there is no experiment the file's first variant. Only the
    current version takes part in experiments.

    Raises UnknownPromptError, and PromptError where THROUGHLINE_PROMPTS is not set.
    """
    return folder().get(name, version, variant)


def folder() -> Folder:
    """The one that THROUGHLINE_PROMPTS names. Raises PromptError where it names none, or the assignment key is of no
    use."""
    path = os.environ.get(PROMPTS, "").strip()
    if not path:
        raise PromptError(f"{PROMPTS} is not set: let it name the folder of prompt files")
    if path not in _folders:
        try:
            _folders.setdefault(path, Folder(path))
        except ValueError as error:
            raise PromptError(str(error)) from None
    return _folders[path]
