"""The boards: which panels stand where on each. What a panel shows is in panels/."""

from typing import Final

from boards import audit, models, overview, pipeline, prompts, rag, request, runbooks

BOARDS: Final = (
    overview.BOARD,
    request.BOARD,
    models.BOARD,
    rag.BOARD,
    prompts.BOARD,
    audit.BOARD,
    pipeline.BOARD,
    runbooks.BOARD,
)
