"""All that is known of one request, by its trace id."""

from typing import Final

from board import Board
from panels import one_request, traces
from panels.variables import CHAINS, TRACE

BOARD: Final = Board(
    name="request",
    title="Request",
    description="One trace id: steps, prompt, passages, response, parameters, scores, and whether its records hold.",
    variables=(TRACE, CHAINS),
    since="now-7d",
    refresh="",
    rows=(
        (4, ((one_request.whole, 24),)),
        (14, ((traces.waterfall, 24),)),
        (10, ((one_request.shares, 8), (one_request.steps, 16))),
        (10, ((one_request.said, 14), (one_request.found, 10))),
        (6, ((one_request.calls, 24),)),
        (6, ((one_request.parameters, 24),)),
        (7, ((one_request.scores, 14), (one_request.verification, 10))),
    ),
)
