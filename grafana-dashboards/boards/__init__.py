"""The boards: which panels stand where on each. What a panel shows is in panels/."""

from typing import Final

from boards import models, overview

BOARDS: Final = (overview.BOARD, models.BOARD)
