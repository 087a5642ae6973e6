"""Which requests are compared with which variant, and by which terms: wishes and the experiment. Reads no record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch

from throughline import names
from throughline.comparison import searching
from throughline.comparison.comparing import ALPHA, Terms
from throughline.comparison.metrics import Wishes
from throughline.comparison.searching import Selection


class NothingFoundError(Exception):
    """There is nothing to compare; `advice` says what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class WrongWishError(ValueError):
    """A wish that does not fit what is there; `advice` says what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asks for; None: by default."""

    selection: Selection
    baseline: str | None = None
    once: bool = False
    alpha: float = ALPHA
    wishes: Wishes = field(default_factory=lambda: Wishes({}, {}))
    expected: Mapping[str, float] | None = None
    """Weights by variant; empty: all alike."""
    all_traffic: bool = False
    """Requests that no experiment assigned count as well."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done."""

    selection: Selection
    terms: Terms
    experiment: Any = None
    """A `throughline.prompts.Experiment`, where its folder is known and has it."""
    notes: Sequence[str] = ()


def plan(client: Elasticsearch, asked: Asked, experiments: Mapping[str, Any]) -> Plan:
    """Work it out. Raises NothingFoundError and WrongWishError."""
    selection, notes = _experiment(client, asked)
    experiment = experiments.get(selection.experiment or "")
    if experiment is not None and experiment.start and selection.since is None:
        selection = replace(selection, since=experiment.start.isoformat())
    variants = sorted(group.name for group in searching.groups(client, selection, names.PROMPT_VARIANT))
    if not variants:
        raise NothingFoundError(
            f"no request of a variant of {selection.prompt}",
            "is the prompt's name right, and does --since reach far enough? see `throughline top variant`",
        )
    if len(variants) == 1:
        advice = "a comparison needs two; see --experiment, --all-traffic, and `throughline top variant`"
        raise NothingFoundError(f"{variants[0]} is the only variant of {selection.prompt} with requests", advice)
    baseline = _baseline(asked, experiment, variants)
    terms = Terms(baseline, asked.once, asked.alpha, asked.wishes, _weights(asked, experiment, variants))
    if asked.selection.since and not asked.once:
        notes += ["Any number of looks are safe from the same beginning on: each other --since is a comparison anew."]
    return Plan(selection, terms, experiment, [*notes, *_versions(client, selection)])


def _experiment(client: Elasticsearch, asked: Asked) -> tuple[Selection, list[str]]:
    """The experiment of the latest request, unless one is named or all traffic is wanted."""
    if asked.selection.experiment or asked.all_traffic:
        return asked.selection, []
    found = searching.groups(client, asked.selection, names.EXPERIMENT_NAME)
    if not found:
        return asked.selection, [
            "No experiment assigned these requests: variants may differ by who got them, not by what they are."
        ]
    others = ", ".join(group.name for group in found[1:])
    note = [f"Of the experiment {found[0].name}, the latest; --experiment chooses another: {others}."] if others else []
    return replace(asked.selection, experiment=found[0].name), note


def _baseline(asked: Asked, experiment: Any, variants: list[str]) -> str:
    wanted = asked.baseline or (experiment.control if experiment is not None else None)
    if wanted is None:
        return variants[0]
    if wanted not in variants:
        raise WrongWishError(f"no request of a variant {wanted}", f"--baseline may be {', '.join(variants)}")
    return str(wanted)


def _weights(asked: Asked, experiment: Any, variants: list[str]) -> Mapping[str, float] | None:
    if asked.expected is not None:
        unknown = sorted(asked.expected.keys() - set(variants))
        if unknown:
            raise WrongWishError(f"--expect names {unknown[0]}", f"the variants are {', '.join(variants)}")
        return asked.expected or dict.fromkeys(variants, 1.0)
    return dict(experiment.variants) if experiment is not None else None


def _versions(client: Elasticsearch, selection: Selection) -> list[str]:
    found = sorted(group.name for group in searching.groups(client, selection, names.PROMPT_VERSION))
    if len(found) < 2:
        return []
    return [f"Versions {', '.join(found)} of the prompt are taken together; --version chooses one."]
