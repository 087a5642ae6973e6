"""The simulated provider's rate limits: what is left of a model's requests and tokens, and when it is all back."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

MOST_MODELS = 1_000


class Limit(BaseModel):
    """Each model has its own; what was used comes back evenly, all of it in `seconds`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: PositiveInt = 300
    tokens: PositiveInt = 200_000
    seconds: PositiveFloat = 60.0
    refuses: bool = False
    """Whether a request that is too much is refused, or served all the same."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after a request, and in how many seconds all is back; `exceeded`: it was too much."""

    limit: Limit
    requests: int
    tokens: int
    seconds: float
    exceeded: bool = False

    def headers(self, *, refused: bool) -> dict[str, str]:
        """As OpenAI sends them with every answer; after a refusal no request is left."""
        reset = f"{self.seconds:.3f}s"
        return {
            "x-ratelimit-limit-requests": str(self.limit.requests),
            "x-ratelimit-limit-tokens": str(self.limit.tokens),
            "x-ratelimit-remaining-requests": str(0 if refused else self.requests),
            "x-ratelimit-remaining-tokens": str(self.tokens),
            "x-ratelimit-reset-requests": reset,
            "x-ratelimit-reset-tokens": reset,
        }


class Limiter:
    """Counts what each model's requests use up."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._used: dict[str, tuple[float, float, float]] = {}  # model → when, and shares of requests and tokens then

    def take(self, model: str, tokens: int, limit: Limit) -> Left:
        """A request of so many tokens comes; one that is refused uses nothing up."""
        now = self._clock()
        before, *used = self._used.get(model, (now, 0.0, 0.0))
        back = (now - before) / limit.seconds
        shares = 1 / limit.requests, tokens / limit.tokens
        wanted = [max(0.0, share - back) + more for share, more in zip(used, shares, strict=True)]
        exceeded = any(share > 1 for share in wanted)
        if exceeded and limit.refuses:
            wanted = [max(0.0, share - back) for share in used]
        requests, spent = (min(1.0, share) for share in wanted)
        if len(self._used) >= MOST_MODELS:
            self._used.clear()
        self._used[model] = now, requests, spent
        left = round((1 - requests) * limit.requests), round((1 - spent) * limit.tokens)
        return Left(limit, *left, max(requests, spent) * limit.seconds, exceeded and limit.refuses)
