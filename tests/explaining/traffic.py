"""Requests of a made-up application, as records, with causes planted where a test wants them; no two tests' opinion.

Each request is a retrieval, a prompt built, a chat and its post-processing. All of its attributes are drawn on their
own, so that without a planted cause none of them goes with anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from throughline import names
from throughline.explaining.requests import Request, of_documents

Document = dict[str, Any]
START: Final = 1_782_000_000.0  # a day that no other test writes in
DAY: Final = 86_400.0


@dataclass
class Drawn:
    """One request before it is written down: what it has, and seconds by step."""

    number: int
    begin: float
    host: str
    caller: str
    model: str
    variant: str
    version: str
    user: str
    temperature: float
    streamed: bool
    top_k: int
    input_tokens: int
    output_tokens: int
    saturation: float
    wait: float
    pace: float
    retrieval: float
    finish: str = "stop"
    attempts: int = 1
    retried: float = 0.0
    error: str | None = None
    failed_step: str = "chat"
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def chat(self) -> float:
        """Seconds of the call."""
        return self.wait + self.retried + self.output_tokens * self.pace


PROVIDERS: Final[Mapping[str, str]] = {"small": "openai", "medium": "openai", "large": "anthropic"}
Plant = Callable[[Drawn, np.random.Generator], None]


def nothing(drawn: Drawn, rng: np.random.Generator) -> None:
    """No cause at all."""


def draw(number: int, rng: np.random.Generator) -> Drawn:
    """Nothing of it depends on anything else of it, but for the chat's duration on its tokens."""
    return Drawn(
        number,
        begin=START + float(rng.uniform(0, DAY)),
        host=str(rng.choice(["a", "b", "c"], p=[0.45, 0.1, 0.45])),
        caller=str(rng.choice(["x", "y", "z"], p=[0.2, 0.4, 0.4])),
        model=str(rng.choice(["small", "medium", "large"], p=[0.6, 0.25, 0.15])),
        variant=str(rng.choice(["concise", "stepwise", "plain"], p=[0.4, 0.2, 0.4])),
        version=str(rng.choice(["1", "2"], p=[0.7, 0.3])),
        user=f"user {rng.integers(0, 25)}",
        temperature=float(rng.choice([0.0, 0.2, 0.7])),
        streamed=bool(rng.random() < 0.5),
        top_k=int(rng.choice([3, 5, 10])),
        input_tokens=int(rng.lognormal(7, 0.4)),
        output_tokens=int(rng.lognormal(4.5, 0.25)),
        saturation=float(rng.uniform(0, 0.7)),
        wait=float(rng.lognormal(-1, 0.3)),
        pace=float(rng.lognormal(-4.6, 0.2)),
        retrieval=float(rng.lognormal(-1.6, 0.4)),
    )


def requests(seed: int, plant: Plant = nothing, count: int = 400) -> list[Request]:
    """So many requests, in no order that means anything."""
    rng = np.random.default_rng(seed)
    return of_documents(document for each in range(count) for document in documents(_planted(each, rng, plant)))


def _planted(number: int, rng: np.random.Generator, plant: Plant) -> Drawn:
    drawn = draw(number, rng)
    plant(drawn, rng)
    return drawn


def trace_id(number: int) -> str:
    """Begins as those of no other test do."""
    return f"ee{number + 1:030x}"


def documents(drawn: Drawn) -> list[Document]:
    """Its records: each step begins when the one before ends; after one that failed there is none."""
    steps = [_retrieval(drawn), _built(drawn), _chat(drawn), _checked(drawn)]
    found, begin = [], drawn.begin
    for place, (service, host, seconds, attributes) in enumerate(steps):
        failed = drawn.error is not None and attributes[names.OPERATION_NAME] == drawn.failed_step
        own = {names.ERROR_TYPE: drawn.error} if failed else {}
        found.append(_record(drawn, place, begin, seconds, (service, host), attributes | own))
        if failed:
            break
        begin += seconds
    return found


Written = tuple[str, str, float, Document]


def _retrieval(drawn: Drawn) -> Written:
    attributes = {
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "corpus",
        names.RETRIEVAL_TOP_K: drawn.top_k,
        names.RETRIEVAL_COUNT: drawn.top_k,
    }
    return "prompt-builder", drawn.host, drawn.retrieval, attributes


def _built(drawn: Drawn) -> Written:
    return "prompt-builder", drawn.host, 0.02, {names.OPERATION_NAME: "build_prompt"}


def _chat(drawn: Drawn) -> Written:
    attributes: Document = {
        names.OPERATION_NAME: "chat",
        names.REQUEST_MODEL: drawn.model,
        names.PROVIDER_NAME: PROVIDERS[drawn.model],
        names.REQUEST_TEMPERATURE: drawn.temperature,
        names.RATE_LIMIT_SATURATION: drawn.saturation,
        **drawn.more,
    }
    if drawn.streamed:
        attributes[names.REQUEST_STREAM] = True
    if drawn.attempts > 1:
        attributes[names.ATTEMPT_COUNT] = drawn.attempts
    if drawn.error is None or drawn.failed_step != "chat":
        attributes |= {
            names.USAGE_INPUT_TOKENS: drawn.input_tokens,
            names.USAGE_OUTPUT_TOKENS: drawn.output_tokens,
            names.RESPONSE_FINISH_REASONS: [drawn.finish],
        }
        if drawn.streamed:
            attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] = drawn.wait + drawn.retried
    return "llm-caller", drawn.caller, drawn.chat, attributes


def _checked(drawn: Drawn) -> Written:
    return "postprocessor", "p", 0.03, {names.OPERATION_NAME: "post_process"}


def _record(
    drawn: Drawn, place: int, begin: float, seconds: float, where: tuple[str, str], attributes: Document
) -> Document:
    """In the exporter's form: milliseconds and their fraction as text, attributes under their dotted names."""
    trace, span = trace_id(drawn.number), f"{place + 1:016x}"
    shared = {
        names.USER_ID: drawn.user,
        names.PROMPT_NAME: "help-desk",
        names.PROMPT_VERSION: drawn.version,
        names.PROMPT_VARIANT: drawn.variant,
    }
    own = {names.RECORD_ID: trace + span, names.DURATION: seconds, names.START_TIME_UNIX_NANO: int(begin * 1e9)}
    return {
        "_id": trace + span,
        "@timestamp": f"{int((begin + seconds) * 1e3)}.0",
        "trace_id": trace,
        "span_id": span,
        "attributes": {**shared, **own, **attributes},
        "resource": {"attributes": {names.SERVICE_NAME: where[0], "host.name": where[1]}},
    }
