"""Who asked what, when, of which model and prompt; and whether the evidence of it holds."""

from typing import Final

from board import Board
from panels import audit
from panels.variables import AUDITED, TEXT, TRACE

BOARD: Final = Board(
    name="audit",
    title="Audit",
    description="Records by user, time, model, prompt, words and trace; chains, openings, erasures, masks, retention.",
    variables=(*AUDITED, TRACE, TEXT),
    since="now-7d",
    refresh="",
    rows=(
        (12, ((audit.records, 24),)),
        (9, ((audit.said, 24),)),
        (8, ((audit.chains, 14), (audit.checkpoints, 10))),
        (8, ((audit.acts, 14), (audit.let_through, 10))),
        (9, ((audit.masks, 12), (audit.retention, 12))),
    ),
)
