"""Versioned prompt templates from YAML files: loading, choice of variant, rendering; finds no passages."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from throughline_services.runtime import ServiceError, StartupError

# What a prompt says is text, not HTML, so nothing is escaped; what it may do is bounded by the sandbox.
ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined, trim_blocks=True)


class Variant(BaseModel):
    """One wording; `share` is its weight among the template's variants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    share: float = Field(gt=0)
    system: str
    user: str

    @field_validator("system", "user")
    @classmethod
    def _compiles(cls, source: str) -> str:
        try:
            ENVIRONMENT.from_string(source)
        except TemplateError as error:
            raise ValueError(f"not a template: {error}") from error
        return source

    def render(self, variables: Mapping[str, Any]) -> dict[str, str]:
        """Role to text."""
        sources = {"system": self.system, "user": self.user}
        try:
            return {role: ENVIRONMENT.from_string(source).render(variables).strip() for role, source in sources.items()}
        except TemplateError as error:
            message = f"variant {self.name} of this prompt cannot be rendered: {type(error).__name__}"
            raise ServiceError(grpc.StatusCode.FAILED_PRECONDITION, "TEMPLATE_FAILED", message) from error


class Template(BaseModel):
    """What is recorded as prompt name and version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(min_length=1)
    passages: int = Field(default=4, ge=1, le=50)
    variants: tuple[Variant, ...] = Field(min_length=1)

    @cached_property
    def _by_name(self) -> dict[str, Variant]:
        return {variant.name: variant for variant in self.variants}

    def variant(self, name: str) -> Variant:
        """By name, as a test or a reader asks for it."""
        if name not in self._by_name:
            known = ", ".join(self._by_name)
            raise ServiceError(grpc.StatusCode.NOT_FOUND, "VARIANT_UNKNOWN", f"this prompt's variants are: {known}")
        return self._by_name[name]

    def variant_for(self, person: str) -> Variant:
        """The same for the same person as long as the shares stay: a hash, and no memory to lose."""
        digest = hashlib.sha256(f"{self.name}\0{person}".encode()).digest()
        point = int.from_bytes(digest[:8]) / 2**64 * sum(variant.share for variant in self.variants)
        for variant in self.variants:
            point -= variant.share
            if point < 0:
                return variant
        return self.variants[-1]


class Templates:
    """All templates of a folder."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._by_name = {template.name: template for template in templates}

    @classmethod
    def load(cls, folder: Path) -> "Templates":
        """A file that is not a template stops the service: better at its start than at a request."""
        files = sorted(folder.glob("*.yaml"))
        if not files:
            raise StartupError(f"no template files (*.yaml) in {folder}")
        return cls([_read(file) for file in files])

    def named(self, name: str) -> Template:
        if name not in self._by_name:
            known = ", ".join(self._by_name)
            raise ServiceError(grpc.StatusCode.NOT_FOUND, "PROMPT_UNKNOWN", f"the known prompts are: {known}")
        return self._by_name[name]


def _read(file: Path) -> Template:
    try:
        return Template.model_validate(yaml.safe_load(file.read_text()))
    except (ValidationError, yaml.YAMLError) as error:
        raise StartupError(f"{file.name} is not a prompt template: {error}") from error
