"""What stands around the model calls: steps, retrieval, scores, agents and their tools."""

from typing import Final

from board import Board
from panels import agents, retrievals, scores, steps
from panels.variables import SHARED

BOARD: Final = Board(
    name="rag",
    title="RAG and agents",
    description="Which step takes the time or fails, what retrieval finds, how answers score, what agents do.",
    variables=(*SHARED, "score", "conversation"),
    rows=(
        (9, ((steps.shares, 8), (steps.table_of_steps, 16))),
        (9, ((steps.shares_over_time, 10), (steps.failures_over_time, 7), (steps.failure_rate_over_time, 7))),
        (4, ((retrievals.now, 24),)),
        (7, ((retrievals.by_source, 24),)),
        (9, ((retrievals.scores_over_time, 8), (retrievals.empty_over_time, 8), (retrievals.found_over_time, 8))),
        (9, ((scores.groundedness, 12), (scores.over_the_time, 12))),
        (9, ((scores.summary, 12), (scores.worst, 12))),
        (9, ((scores.labels, 8), (scores.labels_over_time, 16))),
        (8, ((agents.agents, 24),)),
        (8, ((agents.tools, 14), (agents.tool_failures, 10))),
        (9, ((agents.durations_over_time, 8), (agents.calls_over_time, 8), (agents.tools_over_time, 8))),
        (12, ((agents.runs, 24),)),
    ),
)
