"""Whether experiments agree with each other, and with the prompts that are there; reads no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from throughline.prompts.files import Experiment
from throughline.prompts.prompt import Prompt

Said = Iterator[tuple[str, str]]
"""Field and complaint."""
Versions = Mapping[int, Mapping[str, Prompt]]
"""Version → variant → prompt."""


def disagreements(experiments: Mapping[str, Experiment]) -> Said:
    """What makes two experiments of one file contradict each other."""
    for (name, one), (other_name, other) in combinations(experiments.items(), 2):
        if one.group is not None and one.group == other.group:
            yield from _in_a_group(name, one, other_name, other)
        elif one.prompt == other.prompt and _meet(one, other):
            yield f"{name}.group", f"{other_name} compares the same prompt at the same time: put both into one group"
        if one.prompt == other.prompt and one.control != other.control:
            yield f"{name}.control", f"is another than that of {other_name}, of the same prompt: let them be the same"


def _in_a_group(name: str, one: Experiment, other_name: str, other: Experiment) -> Said:
    if one.unit is not other.unit:
        yield f"{name}.unit", f"is {one.unit}, and that of {other_name}, of the same group, {other.unit}"
    if one.share[0] < other.share[1] and other.share[0] < one.share[1]:
        message = f"overlaps with that of {other_name}, of the same group: give each a part of its own"
        yield f"{name}.share", message


def _meet(one: Experiment, other: Experiment) -> bool:
    """Whether both may run at one time."""
    return not (one.stop and other.start and one.stop <= other.start) and not (
        other.stop and one.start and other.stop <= one.start
    )


def misfit(experiment: Experiment, prompts: Mapping[str, Versions]) -> str:
    """Why this experiment cannot run on the prompts there are; nothing where it can."""
    versions = prompts.get(experiment.prompt)
    if not versions:
        return f"there is no prompt {experiment.prompt}: add it, or take the experiment out"
    current = max(versions)
    if missing := sorted(experiment.variants.keys() - versions[current].keys()):
        return f"{experiment.prompt}/{current}.yaml has no variant {', '.join(missing)}: add it there, or take it out"
    return ""
