"""The boards: which panels stand where on each. What a panel shows is in panels/."""

from typing import Final

from boards import audit, models, overview, request

BOARDS: Final = (overview.BOARD, request.BOARD, models.BOARD, audit.BOARD)
