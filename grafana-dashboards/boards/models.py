"""Models and providers side by side."""

from typing import Final

from board import Board
from panels import limits, models
from panels.variables import CALLING

BOARD: Final = Board(
    name="models",
    title="Models and providers",
    description="Which model and provider is fast, sound and cheap, from the records: never sampled.",
    variables=CALLING,
    rows=(
        (8, ((models.speed, 24),)),
        (8, ((models.trouble, 14), (models.price, 10))),
        (9, ((models.latency_over_time, 12), (models.per_token_over_time, 12))),
        (9, ((models.error_rate_over_time, 8), (models.retries_over_time, 8), (models.limited_over_time, 8))),
        (8, ((limits.saturation_now, 12), (limits.saturation_over_time, 12))),
        (8, ((models.finish_reasons, 12), (models.failures, 12))),
        (9, ((models.calls_over_time, 12), (models.tokens_over_time, 12))),
    ),
)
