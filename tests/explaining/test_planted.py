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

SEEDS = 20
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


def one_provider(drawn: Drawn, rng: np.random.Generator) -> None:
    """Both of its models are slow, so that it is to be named and neither of them."""
    drawn.model = {"small": "large", "large": "small"}.get(drawn.model, drawn.model)  # its models get the lesser part
    drawn.wait += rng.lognormal(1.5, 0.3) if drawn.model != "large" else 0


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


def both_needed(drawn: Drawn, rng: np.random.Generator) -> None:
    """Only host b with the variant stepwise is slow: neither is with anything else."""
    if drawn.host == "b" and drawn.variant == "stepwise":
        drawn.retrieval += rng.lognormal(2, 0.2)


def either(drawn: Drawn, rng: np.random.Generator) -> None:
    """Two causes, one in the retrieval and one in the chat."""
    drawn.retrieval += rng.lognormal(2, 0.2) if drawn.host == "b" else 0
    drawn.wait += rng.lognormal(1.8, 0.3) if drawn.variant == "stepwise" else 0


def long_by_variant(drawn: Drawn, rng: np.random.Generator) -> None:
    drawn.output_tokens *= 8 if drawn.variant == "stepwise" and rng.random() < 0.7 else 1


def failing_host(drawn: Drawn, rng: np.random.Generator) -> None:
    if rng.random() < (0.6 if drawn.host == "b" else 0.02):
        drawn.error, drawn.failed_step = "TimeoutError", "retrieval"


def refusing_model(drawn: Drawn, rng: np.random.Generator) -> None:
    """Another error, by chance, beside the one that only a model's calls end with."""
    if drawn.model == "large" and rng.random() < 0.3:
        drawn.error = "RateLimitError"
    elif rng.random() < 0.05:
        drawn.error = "ServerError"


CAUSES = {
    "model": Cause(slow_model, attribute(names.REQUEST_MODEL, "large"), "chat model = large", "chat"),
    "provider": Cause(one_provider, attribute(names.PROVIDER_NAME, "openai"), "chat provider = openai", "chat"),
    "variant": Cause(one_variant, attribute(names.PROMPT_VARIANT, "stepwise"), "prompt variant = stepwise", "chat"),
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


def test_two_values_that_only_together_do_it_are_named_together() -> None:
    def has(request: Request) -> bool:
        return resource("retrieval", "b")(request) and attribute(names.PROMPT_VARIANT, "stepwise")(request)

    wanted = {"retrieval host = b", "prompt variant = stepwise"}
    found = [explained(seed, both_needed, has, 1000) for seed in range(SEEDS)]
    named = [{each.candidate.words for each in (one.first, one.second) if each} for one in found]
    assert named.count(wanted) >= 0.95 * SEEDS, named
    needed = [one.together.needs_both for one in found if one.together]
    assert needed.count(True) >= 0.95 * SEEDS


def test_two_causes_are_named_each_for_itself() -> None:
    def has(request: Request) -> bool:
        return resource("retrieval", "b")(request) and attribute(names.PROMPT_VARIANT, "stepwise")(request)

    wanted = {"retrieval host = b", "prompt variant = stepwise"}
    found = [explained(seed, either, has, 800) for seed in range(SEEDS)]
    named = [{each.candidate.words for each in (one.first, one.second) if each} for one in found]
    assert named.count(wanted) >= 0.95 * SEEDS, named
    assert not any(one.together.needs_both for one in found if one.together)


def test_a_proxy_is_named_neither_first_nor_second() -> None:
    cause = CAUSES["proxy"]
    found = [explained(seed, cause.plant, cause.has, 800) for seed in range(SEEDS)]
    seconds = [each.second.candidate.words for each in found if each.second]
    assert sum("server" in words for words in seconds) <= 0.05 * SEEDS, seconds


def test_what_brought_about_a_long_answer_is_named_after_it() -> None:
    has = more(names.USAGE_OUTPUT_TOKENS, 400)
    found = [explained(seed, long_by_variant, has) for seed in range(SEEDS)]
    assert all(each.first and each.first.candidate.words.startswith("chat output tokens >=") for each in found)
    behind = [each.behind.candidate.words if each.behind else "nothing" for each in found]
    assert behind.count("prompt variant = stepwise") >= 0.95 * SEEDS, behind


@pytest.mark.parametrize(
    ("plant", "error", "step", "named"),
    [
        (failing_host, "TimeoutError", "retrieval", "retrieval host = b"),
        (refusing_model, "RateLimitError", "chat", "chat model = large"),
    ],
)
def test_of_a_failure_what_fails_with_it_is_named(plant: Plant, error: str, step: str, named: str) -> None:
    said = []
    for seed in range(SEEDS):
        requests = traffic.requests(seed, plant)
        failed = [each for each in requests if each.failure and each.failure.error == error]
        failed = [each for each in failed if resource("retrieval", "b")(each)] if step == "retrieval" else failed
        asked = failed[seed % len(failed)]
        found = explain(asked, [each for each in requests if each is not asked])
        assert found.outcome.verdict == "failed"
        assert found.outcome.failure
        assert found.outcome.failure.step == step
        said.append(found.first.candidate.words if found.first else "nothing")
    assert said.count(named) >= 0.95 * SEEDS, said


def test_the_good_peer_lacks_the_cause_and_is_of_middling_length() -> None:
    cause = CAUSES["host"]
    found = explained(1, cause.plant, cause.has)
    assert found.good is not None
    assert not cause.has(found.good)
    assert found.outcome.duration
    assert found.good.seconds == pytest.approx(found.outcome.duration.typical, rel=0.5)
