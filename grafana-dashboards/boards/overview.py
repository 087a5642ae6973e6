"""The board that people keep open: latency, errors and prompts on the first screen, then how they moved, and usage."""

from typing import Final

from board import Board
from panels import errors, latency, limits, prompts, requests, usage
from panels.variables import CALLING, SLOWER

BOARD: Final = Board(
    name="overview",
    title="Overview",
    description="Every model call, from the records: never sampled.",
    variables=(*CALLING, SLOWER),
    rows=(
        (5, ((latency.now, 12), (errors.rate_now, 6), (errors.calls_now, 6))),
        (10, ((latency.distribution, 14), (errors.by_type, 10))),
        (9, ((prompts.top, 24),)),
        (5, ((latency.first_chunk_now, 12), (usage.cost_an_hour, 6), (usage.cost_a_month, 6))),
        (9, ((latency.over_the_time, 12), (errors.rate_over_time, 12))),
        (9, ((latency.first_chunk_over_time, 12), (errors.by_type_over_time, 12))),
        (9, ((usage.rate, 8), (usage.tokens, 8), (usage.spending_over_time, 8))),
        (8, ((limits.saturation_now, 12), (limits.saturation_over_time, 12))),
        (9, ((prompts.similar, 24),)),
        (14, ((requests.latest, 24),)),
    ),
)
