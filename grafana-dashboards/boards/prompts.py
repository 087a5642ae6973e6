"""The variants of a prompt: what a comparison says of them, live, and what stands in their records."""

from typing import Final

from board import Board
from panels import comparison, variants
from panels.variables import CALLING, COMPARED

BOARD: Final = Board(
    name="prompts",
    title="Prompt variants",
    description="Which variant is better, by how much and how sure that is; beside it what each variant's calls do.",
    variables=(*CALLING, *COMPARED),
    since="now-6h",
    rows=(
        (11, ((comparison.verdicts, 24),)),
        (10, ((comparison.effect_over_time, 15), (comparison.value_over_time, 9))),
        (7, ((variants.speed, 24),)),
        (
            9,
            ((variants.latency_over_time, 8), (variants.first_chunk_over_time, 8), (variants.error_rate_over_time, 8)),
        ),
        (9, ((variants.scored, 12), (variants.scored_over_time, 12))),
        (7, ((variants.experiments, 14), (variants.price, 10))),
        (9, ((variants.split_over_time, 12), (variants.users_over_time, 12))),
        (8, ((variants.versions, 12), (variants.versions_over_time, 12))),
    ),
)
