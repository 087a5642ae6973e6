"""One wording of a prompt, chosen and ready to be filled in; chooses nothing and reads no file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from throughline.identity import identify
from throughline.prompts import templates
from throughline.prompts.files import Kind
from throughline.prompts.problems import RenderingError
from throughline.records.proof import canonical

_CLASSES: Final[Mapping[Kind, tuple[type, ...]]] = {
    Kind.STRING: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: (bool,),
    Kind.LIST: (list, tuple),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of it; `place` is where it stands in the file, below its variant."""

    role: str
    source: str
    place: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A variant of a version of a prompt, and the experiment that chose it, if one did."""

    name: str
    version: int
    variant: str
    template_hash: str
    """SHA-256, in hexadecimal, of the variant's messages: a list of objects with `role` and `content`, the templates as
    they stand in the file, as RFC 8785 writes it. Neither parameters nor who wrote it when are in it."""
    variables: Mapping[str, Kind]
    """What it is filled with: name → kind."""
    parameters: Mapping[str, Any]
    """Of the model: the file's, and over these the variant's."""
    owner: str
    changelog: str
    messages: tuple[Spoken, ...] = field(repr=False)
    experiment: str | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What is recorded of it: field of `throughline.Identity` → value."""
        return {
            "prompt_name": self.name,
            "prompt_version": str(self.version),
            "prompt_variant": self.variant,
            "prompt_template_hash": self.template_hash,
            "prompt_variables": tuple(self.variables),
            "experiment": self.experiment,
        }

    def render(self, /, **variables: Any) -> list[dict[str, str]]:
        """Its messages, each with `role` and `content`, as model clients take them; white space around a text goes.

        Raises RenderingError where a variable is missing, not declared or of another kind than declared, and where the
        template fails. The error names variables, never values.
        """
        if complaint := _complaint(self.variables, variables):
            raise RenderingError(f"prompt {self.name}/{self.version} {self.variant}: {complaint}")
        return [{"role": each.role, "content": self._text(each, variables)} for each in self.messages]

    @contextmanager
    def used(self, /, **variables: Any) -> Iterator[list[dict[str, str]]]:
        """Its messages, as `render` makes them; all that runs inside is recorded as done with this prompt."""
        messages = self.render(**variables)
        with identify(prompt=self):
            yield messages

    def _text(self, spoken: Spoken, variables: Mapping[str, Any]) -> str:
        try:
            return templates.rendered(spoken.source, variables)
        except ValueError as error:
            where = f"{self.name}/{self.version}.yaml: variants.{self.variant}.{spoken.place}"
            raise RenderingError(f"{where}: {error}") from None


def template_hash(messages: Sequence[Spoken]) -> str:
    """As `Prompt.template_hash` says."""
    spoken = [{"role": each.role, "content": each.source} for each in messages]
    return hashlib.sha256(canonical(spoken).encode()).hexdigest()


def _complaint(declared: Mapping[str, Kind], given: Mapping[str, Any]) -> str:
    if declared.keys() != given.keys():
        missing, unknown = declared.keys() - given.keys(), given.keys() - declared.keys()
        told = f"missing: {', '.join(sorted(missing))}" if missing else ""
        return f"its variables are {', '.join(declared) or 'none'}; " + "; ".join(
            part for part in (told, f"not declared: {', '.join(sorted(unknown))}" if unknown else "") if part
        )
    for name, kind in declared.items():
        if not _is(given[name], kind):
            return f"{name} is to be a value of kind {kind}, and is a {type(given[name]).__name__}"
    return ""


def _is(value: Any, kind: Kind) -> bool:
    if kind is Kind.OBJECT:
        return value is not None and not isinstance(value, (str, bytes, int, float, list, tuple))
    return isinstance(value, _CLASSES[kind]) and (kind is Kind.BOOLEAN or not isinstance(value, bool))
