"""What may stand in a prompt's file and in `experiments.yaml`; opens no file and renders nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""Of prompts, variants, experiments and groups: they become metric dimensions, file names and baggage."""
Name = Annotated[str, StringConstraints(pattern=NAME)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1)]


class Kind(StrEnum):
    """What a variable's value has to be."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    OBJECT = "object"
    """Anything with fields: a mapping, or an object of the application's."""


class Unit(StrEnum):
    """Who keeps one variant for as long as an experiment's weights stay."""

    USER = "user"
    SESSION = "session"
    CONVERSATION = "conversation"


class Strict(BaseModel):
    """Fields of these names alone, of these types alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Message(Strict):
    """One message's template."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


class Parameters(Strict):
    """Of the model, as its client calls them; what has no field here stands in `other`."""

    model: Text | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: int | None = None
    stop: list[str] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    other: dict[str, Any] = {}

    def flat(self) -> dict[str, Any]:
        """What is set, by name."""
        return {**self.model_dump(exclude={"other"}, exclude_none=True), **self.other}


class Variant(Strict):
    """One wording: `system` and `user`, or the whole list of messages."""

    system: str | None = None
    user: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)] | None = None
    parameters: Parameters = Parameters()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        short = self.system is not None or self.user is not None
        if short == (self.messages is not None):
            raise ValueError("write either system and user, or messages")
        return self

    def templates(self) -> list[tuple[str, str, str]]:
        """Field, role and template of each message."""
        if self.messages is not None:
            return [(f"messages.{n}.content", each.role, each.content) for n, each in enumerate(self.messages)]
        short = {"system": self.system, "user": self.user}
        return [(role, role, template) for role, template in short.items() if template is not None]


class PromptFile(Strict):
    """One version of a prompt. Its first variant is what everybody gets where no experiment says otherwise."""

    owner: Text
    changelog: Text
    variables: dict[Variable, Annotated[Kind, Field(strict=False)]] = {}
    parameters: Parameters = Parameters()
    variants: Annotated[dict[Name, Variant], Field(min_length=1)]


class Guardrail(Strict):
    """A metric that a variant must not make worse than the control by more than this, in the metric's own unit."""

    metric: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(:[a-z0-9][a-z0-9_.-]*)?$")]
    worse_than: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Experiment(Strict):
    """Which variants of a prompt are compared, for whom and when."""

    prompt: Name
    variants: Annotated[dict[Name, Weight], Field(min_length=2)]
    """Variant → its weight among them."""
    control: Name
    """The baseline, and what everybody gets who is not in the experiment."""
    unit: Annotated[Unit, Field(strict=False)] = Unit.USER
    group: Name | None = None
    """Experiments of one group share the units: nobody is in two of them."""
    share: Annotated[list[Part], Field(min_length=2, max_length=2)] = [0.0, 1.0]
    """Which part of the units, of the group's if it has one, is in it: from, to."""
    start: Annotated[AwareDatetime, Field(strict=False)] | None = None
    stop: Annotated[AwareDatetime, Field(strict=False)] | None = None
    guardrails: list[Guardrail] = []
    salt: Text | None = None
    """What its units are drawn by; by default its name. Who renames it writes the old name here, and nobody moves."""
    stopped: bool = False
    """The kill by hand; `throughline experiments stop` has a file of its own for it."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.control not in self.variants:
            raise ValueError(f"control is {self.control}, which is none of its variants {', '.join(self.variants)}")
        if not any(self.variants.values()):
            raise ValueError("every weight is 0: let one variant at least have more")
        if self.share[0] >= self.share[1]:
            raise ValueError("share is no part of anything: write [from, to], as [0.0, 0.5] for the first half")
        if self.start and self.stop and self.start >= self.stop:
            raise ValueError("stop is not after start")
        return self

    def is_due(self, now: datetime) -> bool:
        """Whether `now` lies between its start and its stop."""
        return (self.start is None or self.start <= now) and not self.has_ended(now)

    def has_ended(self, now: datetime) -> bool:
        """Whether its stop has passed."""
        return self.stop is not None and self.stop <= now

    def shares(self) -> Mapping[str, float]:
        """Variant → which part of the experiment's units is to have it; they add up to 1."""
        whole = sum(self.variants.values())
        return MappingProxyType({name: weight / whole for name, weight in self.variants.items()})


class ExperimentsFile(Strict):
    """All experiments, by name."""

    experiments: dict[Name, Experiment]
