"""The folder as it was when it was last looked at, and which prompt somebody gets by it; looks at no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from throughline.identity import Identity
from throughline.prompts.agreement import Versions
from throughline.prompts.assignment import chosen, is_inside
from throughline.prompts.files import Experiment, Unit
from throughline.prompts.problems import Problem, UnknownPromptError
from throughline.prompts.prompt import Prompt

_UNITS: Final = {Unit.USER: "user_id", Unit.SESSION: "session_id", Unit.CONVERSATION: "conversation_id"}


class State(StrEnum):
    """Of an experiment."""

    RUNNING = "running"
    STOPPED = "stopped"
    WAITING = "not started"
    ENDED = "ended"
    UNFIT = "unfit"
    """It does not fit the prompts there are; the problems say why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, and is not changed: prompts by name and version, experiments by name, kills, problems."""

    prompts: Mapping[str, Versions] = field(default_factory=dict)
    experiments: Mapping[str, Experiment] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    unfit: frozenset[str] = frozenset()
    problems: Sequence[Problem] = ()

    def state(self, name: str, now: datetime) -> State:
        """Of the experiment of this name."""
        experiment = self.experiments[name]
        if experiment.has_ended(now):
            return State.ENDED
        if experiment.stopped or name in self.stopped:
            return State.STOPPED
        if name in self.unfit:
            return State.UNFIT
        return State.RUNNING if experiment.is_due(now) else State.WAITING

    def variants(self, name: str, version: int | None = None) -> Mapping[str, Prompt]:
        """Of a version of a prompt, the highest if none is named. Raises UnknownPromptError."""
        versions = self.prompts.get(name)
        if not versions:
            broken = "; ".join(str(problem) for problem in self.problems if problem.file.startswith(f"{name}/"))
            known = ", ".join(self.prompts) or "none"
            raise UnknownPromptError("prompt", f"no such prompt: {broken or f'the known ones are {known}'}")
        found = max(versions) if version is None else version
        if found not in versions:
            known = ", ".join(str(number) for number in sorted(versions))
            raise UnknownPromptError("version", f"prompt {name} has no such version: there are {known}")
        return versions[found]

    def choose(
        self, name: str, version: int | None, variant: str | None, who: Identity, now: datetime, key: bytes
    ) -> Prompt:
        """What `throughline.prompts.get` promises."""
        variants = self.variants(name, version)
        if variant is not None:
            return _named(variants, variant)
        control = next(iter(variants.values()))
        for experiment_name, experiment in self.experiments.items():
            if experiment.prompt != name:
                continue
            control = variants.get(experiment.control, control)
            if version not in (None, max(self.prompts[name])) or self.state(experiment_name, now) is not State.RUNNING:
                continue
            if drawn := _drawn(experiment_name, experiment, who, key):
                return replace(variants[drawn], experiment=experiment_name)
        return control


def _named(variants: Mapping[str, Prompt], variant: str) -> Prompt:
    if variant not in variants:
        some = next(iter(variants.values()))
        message = f"prompt {some.name}/{some.version} has no such variant: there are {', '.join(variants)}"
        raise UnknownPromptError("variant", message)
    return variants[variant]


def _drawn(name: str, experiment: Experiment, who: Identity, key: bytes) -> str | None:
    """The variant that this experiment has for whoever asks; None for who is not in it."""
    unit = getattr(who, _UNITS[experiment.unit])
    salt = experiment.salt or name
    whole = f"group:{experiment.group}" if experiment.group else f"experiment:{salt}"
    if not unit or not is_inside(key, whole, experiment.share, unit):
        return None
    return chosen(key, salt, experiment.variants, unit)
