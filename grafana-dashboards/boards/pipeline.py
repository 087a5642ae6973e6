"""Whether what applications record arrives: spools, the Collector, sampling, the store."""

from typing import Final

from board import Board
from panels import collector, sampling, spools, storage

BOARD: Final = Board(
    name="pipeline",
    title="Pipeline health",
    description="What waits, is refused, tried again or lost between applications and the store, and what it takes.",
    variables=("environment", "service"),
    since="now-6h",
    rows=(
        (9, ((collector.queues_now, 10), (spools.now, 14))),
        (9, ((spools.delays, 8), (spools.sizes, 8), (spools.records, 8))),
        (8, ((spools.delivered, 8), (spools.lost, 8), (spools.heard, 8))),
        (9, ((collector.queues_over_time, 8), (collector.arrived, 8), (collector.delivered, 8))),
        (9, ((collector.trouble, 12), (collector.send_failures, 12))),
        (9, ((collector.outcomes, 8), (collector.why, 8), (collector.retries, 8))),
        (9, ((storage.rejected, 8), (storage.sizes_over_time, 8), (storage.documents_over_time, 8))),
        (9, ((storage.streams, 24),)),
        (9, ((sampling.by_policy, 8), (sampling.by_policy_over_time, 8), (sampling.decisions, 8))),
        (8, ((sampling.undecided, 8), (collector.memory, 8), (collector.processors, 8))),
    ),
)
