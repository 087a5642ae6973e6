"""The boards: which panels stand where on each. What a panel shows is in panels/."""

from typing import Final

from boards import overview

BOARDS: Final = (overview.BOARD,)
