"""What one file of the folder says, or what is wrong with it; follows no change and chooses nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from throughline.prompts import files, templates
from throughline.prompts.agreement import disagreements
from throughline.prompts.files import Experiment, ExperimentsFile, PromptFile, Strict
from throughline.prompts.problems import BrokenFolderError, Problem
from throughline.prompts.prompt import Prompt, Spoken, template_hash

_FIELDS: Final = sorted(
    {name for model in vars(files).values() if isinstance(model, type) and issubclass(model, Strict)
     for name in model.model_fields}
)  # fmt: skip
_Safe: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML has it, takes a tenth of the time
_Model = TypeVar("_Model", bound=BaseModel)


class _Loader(_Safe):  # type: ignore[misc, valid-type]  # whichever it is, it is a SafeLoader
    """YAML takes the last of two equal keys without a word; here that is an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set[str]()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key.value} is there twice", key.start_mark)
        seen.add(str(key.value))
    return dict(loader.construct_mapping(node, deep=True))


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_prompt(path: Path, shown: str, name: str, version: int) -> Mapping[str, Prompt]:
    """The variants of a version, by name, in the order of the file. Raises BrokenFolderError with all that is wrong."""
    file = _parsed(path, shown, PromptFile)
    if problems := list(_of_templates(file, shown)):
        raise BrokenFolderError(problems)
    return MappingProxyType({variant: _prompt(file, name, version, variant) for variant in file.variants})


def read_experiments(path: Path, shown: str) -> Mapping[str, Experiment]:
    """All experiments, by name, in the order of the file. Raises BrokenFolderError with all that is wrong."""
    experiments = _parsed(path, shown, ExperimentsFile, under="experiments").experiments
    if problems := [Problem(shown, field, message) for field, message in disagreements(experiments)]:
        raise BrokenFolderError(problems)
    return MappingProxyType(experiments)


def _parsed(path: Path, shown: str, model: type[_Model], *, under: str = "") -> _Model:
    try:
        found = yaml.load(path.read_bytes(), _Loader)  # noqa: S506  # a SafeLoader
        return model.model_validate({under: found or {}} if under else found)
    except OSError as error:
        raise BrokenFolderError([Problem(shown, "", f"cannot be read: {error.strerror}")]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BrokenFolderError([Problem(shown, "", _of_yaml(error))]) from None
    except ValidationError as error:
        problems = [_problem(shown, {**told}, under) for told in error.errors(include_input=False, include_url=False)]
        raise BrokenFolderError(problems) from None


def _of_yaml(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: is no YAML: {error.problem}"
    return "is no YAML: no text in UTF-8" if isinstance(error, UnicodeDecodeError) else "is no YAML"


def _problem(shown: str, told: Mapping[str, Any], under: str) -> Problem:
    place = [str(part) for part in told["loc"] if part not in (under, "[key]")]
    match told["type"]:
        case "missing":
            message = "is missing: add it"
        case "extra_forbidden":
            near = difflib.get_close_matches(place[-1], _FIELDS, 1)
            message = f"is unknown: write {near[0]}, or take it out" if near else "is unknown: take it out"
        case "model_type" | "dict_type":
            message = "is to hold fields, each with its value: see the README of the package"
        case "string_pattern_mismatch":
            message = "is no name: use small letters, digits, - and _, at most 64"
        case _:
            message = str(told["msg"]).removeprefix("Value error, ")
    return Problem(shown, ".".join(place), message)


def _of_templates(file: PromptFile, shown: str) -> Iterator[Problem]:
    used, all_sound = set[str](), True
    for variant in file.variants:
        for place, _, source in file.variants[variant].templates():
            where = f"variants.{variant}.{place}"
            try:
                names = templates.variables(source)
            except ValueError as error:
                all_sound = False
                yield Problem(shown, where, str(error))
                continue
            used |= names
            if unknown := sorted(names - file.variables.keys()):
                message = f"uses {', '.join(unknown)}: declare it under variables, or correct the name"
                yield Problem(shown, where, message)
    for name in sorted(file.variables.keys() - used) if all_sound else ():
        yield Problem(shown, f"variables.{name}", "no variant uses it: take it out, or use it")


def _prompt(file: PromptFile, name: str, version: int, variant: str) -> Prompt:
    spoken = tuple(Spoken(role, source, place) for place, role, source in file.variants[variant].templates())
    return Prompt(
        name=name,
        version=version,
        variant=variant,
        template_hash=template_hash(spoken),
        variables=MappingProxyType({name: file.variables[name] for name in sorted(file.variables)}),
        parameters=MappingProxyType({**file.parameters.flat(), **file.variants[variant].parameters.flat()}),
        owner=file.owner,
        changelog=file.changelog,
        messages=spoken,
    )
