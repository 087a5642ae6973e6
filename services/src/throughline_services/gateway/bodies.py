"""What the gateway accepts as JSON, and its answer to what it does not accept; calls nothing."""

from typing import Annotated, Literal, Self, TypeVar

import grpc
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from starlette.requests import Request

from throughline_services.runtime import ServiceError

# What goes into baggage and from there onto every span: short and printable.
Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[\x20-\x7e]+$")]
TraceId = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{32}$")]
SpanId = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{16}$")]


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(Body):
    """POST /v1/ask"""

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200_000)]
    user_id: Id | None = None
    session_id: Id | None = None
    conversation_id: Id | None = None
    prompt: str = ""
    variant: str = ""
    model: str = ""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=100_000)
    top_k: int = Field(default=0, ge=0, le=50)
    keep: bool | None = None


class Prompt(Body):
    """Which prompt an answer was asked for with, as the answer itself says."""

    name: Id
    version: Id | None = None
    variant: Id | None = None


class Rating(Body):
    """POST /v1/ratings: a score from 0 to 1, or a thumb."""

    trace_id: TraceId
    span_id: SpanId | None = None
    score: float | None = Field(default=None, ge=0, le=1)
    thumb: Literal["up", "down"] | None = None
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)] | None = None
    prompt: Prompt | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.score is None) == (self.thumb is None):
            raise ValueError("send either score (0 to 1) or thumb (up or down)")
        return self

    @property
    def value(self) -> float:
        return float(self.thumb == "up") if self.score is None else self.score


Kind = TypeVar("Kind", bound=Body)


async def read(request: Request, kind: type[Kind], max_bytes: int) -> Kind:
    """The complaint names fields, never their values."""
    try:
        return kind.model_validate_json(await _bounded(request, max_bytes))
    except ValidationError as error:
        complaints = (_complaint(detail["loc"], detail["msg"]) for detail in error.errors(include_input=False))
        message = f"{'; '.join(complaints)} (the body is a JSON object with {', '.join(kind.model_fields)})"
        raise ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "BODY_INVALID", message) from None


def _complaint(location: tuple[int | str, ...], message: str) -> str:
    return ": ".join([".".join(map(str, location)), message] if location else [message])


async def _bounded(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            message = f"the body is larger than {max_bytes} bytes: shorten the question"
            raise ServiceError(grpc.StatusCode.OUT_OF_RANGE, "BODY_TOO_LARGE", message)
    return bytes(body)
