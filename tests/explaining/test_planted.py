"""A cause that was planted is named first, whatever its kind; what only goes along with it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from explaining import traffic
from explaining.traffic import Drawn, Plant
from throughline import names
from throughline.explaining.explanation import Explanation, explain
from throughline.explaining.requests import Request

SEEDS = 25
Has = Callable[[Request], bool]


@dataclass(frozen=True)
class Cause:
    """What is planted, which requests to ask about, and by what each explanation must begin."""

    plant: Plant
    has: Has
    named: str
    step: str
    part: str | None = None


def attribute(name: str, value: object) -> Has:
    return lambda request: request.told(name) == value


def resource(step: str, host: str) -> Has:
    return lambda request: any(each.kind == step and each.resource["host.name"] == host for each in request.steps)


def more(name: str, least: float) -> Has:
    return lambda request: float(request.told(name) or 0) >= least


def slow_model(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.wait += rng.lognormal(1.5, 0.3) if drawn.model == "large" else 0


def provider(drawn: Drawn, rng: np.random.Generator) -> None:
    """Both of its models are slow, so that neither of them is to be named."""
    drawn.wait += rng.lognormal(1.5, 0.3) if drawn.model in ("small", "medium") and drawn.version == "2" else 0


def one_variant(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.wait += rng.lognormal(1.3, 0.3) if drawn.variant == "stepwise" else 0


def one_host(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.retrieval += rng.lognormal(2, 0.2) if drawn.host == "b" and rng.random() < 0.87 else 0


def slow_tokens(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.pace *= 5 if drawn.caller == "x" else 1


def long_outputs(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.output_tokens *= 8 if rng.random() < 0.1 else 1


def retries(drawn: Drawn, rng: np.random.Generator) -> None:
    if rng.random() < 0.08:
        drawn.attempts = int(rng.integers(2, 5))
        drawn.retried = 2.0 * (drawn.attempts - 1)


def many_passages(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.retrieval += rng.lognormal(1.2, 0.3) if drawn.top_k == 10 else 0


def rate_limited(drawn: Drawn, rng: np.random.Generator) -> None:
    if rng.random() < 0.1:
        drawn.saturation = float(rng.uniform(0.95, 1))
        drawn.wait += rng.lognormal(1.4, 0.3)


def with_proxy(drawn: Drawn, rng: np.random.Generator) -> None:
    """The server goes with the model in nine of ten requests, and does nothing itself."""
    slow_model(drawn, rng)
    drawn.more[names.SERVER_ADDRESS] = "eu" if (drawn.model == "large") == (rng.random() < 0.9) else "us"


CAUSES = {
    "model": Cause(slow_model, attribute(names.REQUEST_MODEL, "large"), "chat model = large", "chat"),
    "variant": Cause(
        one_variant, attribute(names.PROMPT_VARIANT, "stepwise"), "prompt variant = stepwise", "chat"
    ),
    "host": Cause(one_host, resource("retrieval", "b"), "retrieval host = b", "retrieval"),
    "slow tokens": Cause(slow_tokens, resource("chat", "x"), "chat host = x", "chat", "slower answer"),
    "long outputs": Cause(
        long_outputs, more(names.USAGE_OUTPUT_TOKENS, 500), "chat output tokens >=", "chat", "longer answer"
    ),
    "retries": Cause(retries, more(names.ATTEMPT_COUNT, 2), "chat attempts >=", "chat", "retries"),
    "retrieval": Cause(many_passages, more(names.RETRIEVAL_TOP_K, 10), "retrieval top_k >=", "retrieval"),
    "rate limit": Cause(rate_limited, more(names.RATE_LIMIT_SATURATION, 0.9), "chat rate limit used >=", "chat"),
    "proxy": Cause(with_proxy, attribute(names.REQUEST_MODEL, "large"), "chat model = large", "chat"),
}


def explained(seed: int, plant: Plant, has: Has, count: int = 400) -> Explanation:
    """Of a request that has the cause and is slow for it: any of the slower half of those that have it."""
    requests = traffic.requests(seed, plant, count)
    having = sorted((each for each in requests if has(each)), key=lambda each: each.seconds)
    asked = having[len(having) // 2 + seed % (len(having) - len(having) // 2)]
    return explain(asked, [each for each in requests if each is not asked])


@pytest.mark.parametrize("name", CAUSES)
def test_a_planted_cause_is_named_first_with_its_step(name: str) -> None:
    cause = CAUSES[name]
    found = [explained(seed, cause.plant, cause.has) for seed in range(SEEDS)]
    named = [each.first.candidate.words if each.first else "nothing" for each in found]
    assert sum(words.startswith(cause.named) for words in named) >= 0.95 * SEEDS, named
    steps = [each.steps[0].step for each in found]
    assert steps.count(cause.step) >= 0.95 * SEEDS, steps
    if cause.part:
        parts = [each.inside[0].part for each in found]
        assert parts.count(cause.part) >= 0.9 * SEEDS, parts
