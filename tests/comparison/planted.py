"""Requests with planted differences, as records and evaluations in the shape of the Collector's; has no opinion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from throughline import names

Document = dict[str, Any]
START: Final = 1_783_000_000.0
SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Plant:
    """What one variant does. Times are lognormal around the median, with what its user adds to the logarithm."""

    latency: float = 1.0
    failing: float = 0.02
    grounded: float = 0.6


@dataclass(frozen=True, slots=True)
class Requests:
    """A prompt's traffic: `users` users of `each` requests on average, assigned by chance with these weights."""

    prompt: str
    plants: dict[str, Plant]
    namespace: str
    users: int = 400
    each: float = 3.0
    seed: int = 1
    experiment: str | None = None
    weights: dict[str, float] = field(default_factory=dict)

    def drawn(self) -> Iterator[tuple[str, int, int, Plant, np.random.Generator, float]]:
        """Variant, user, request of the user, its plant, a source of chance, and what the user adds."""
        chance = np.random.default_rng(self.seed)
        shares = np.array([self.weights.get(name, 1.0) for name in self.plants])
        for user in range(self.users):
            variant = list(self.plants)[chance.choice(shares.size, p=shares / shares.sum())]
            habit = chance.normal()
            for request in range(chance.geometric(1 / self.each)):
                yield variant, user, request, self.plants[variant], chance, habit

    def actions(self) -> Iterator[Document]:
        """What the bulk helper writes: a record for each request, and for most a score."""
        for number, (variant, user, _, plant, chance, habit) in enumerate(self.drawn()):
            trace, span = f"{chance.integers(2**63):032x}", f"{number + 1:016x}"
            failed = chance.random() < plant.failing
            latency = plant.latency * float(np.exp(0.3 * habit + 0.5 * chance.normal()))
            at = START + SECONDS * chance.random()
            yield self.record(at, trace, span, variant, f"u{user}", latency, failed)
            if not failed and chance.random() < 0.8:
                score = float(np.clip(plant.grounded + 0.15 * chance.normal(), 0, 1))
                yield self.evaluation(at + 1, trace, span, "groundedness", score)

    def record(
        self,
        at: float,
        trace: str,
        span: str,
        variant: str,
        user: str | None,
        latency: float,
        failed: bool,
        **more: Any,
    ) -> Document:
        attributes = {
            names.OPERATION_NAME: "chat",
            names.RECORD_ID: f"{trace}{span}",
            names.PROMPT_NAME: self.prompt,
            names.PROMPT_VERSION: "1",
            names.PROMPT_VARIANT: variant,
            names.EXPERIMENT_NAME: self.experiment,
            names.USER_ID: user,
            names.DURATION: latency,
            names.ERROR_TYPE: "RateLimitError" if failed else None,
            names.USAGE_INPUT_TOKENS: 500,
            names.USAGE_OUTPUT_TOKENS: int(100 * latency) + 1,
            names.COST_AMOUNT: latency / 1000,
            names.COST_CURRENCY: "USD",
            **more,
        }
        return self._document("record", at, trace, span, names.CLIENT_INFERENCE_OPERATION_DETAILS, attributes)

    def evaluation(self, at: float, trace: str, span: str | None, name: str, score: float, **more: Any) -> Document:
        attributes = {
            names.EVALUATION_NAME: name,
            names.EVALUATION_SCORE_VALUE: score,
            names.RECORD_ID: f"{trace}{span}{name}",
            **more,
        }
        return self._document("evaluation", at, trace, span, names.EVALUATION_RESULT, attributes)

    def _document(
        self, kind: str, at: float, trace: str, span: str | None, event: str, attributes: Document
    ) -> Document:
        known = {name: value for name, value in attributes.items() if value is not None}
        source = {
            "@timestamp": f"{at * 1000:.6f}",
            "event_name": event,
            "trace_id": trace,
            "attributes": known,
            "resource": {"attributes": {"service.name": "comparison-tests"}},
        }
        if span:
            source["span_id"] = span
        return {
            "_op_type": "create",
            "_index": f"logs-genai.{kind}.otel-{self.namespace}",
            "_id": known[names.RECORD_ID],
            "_source": source,
        }
