"""Throughline: traces and evidence records of LLM applications, on OpenTelemetry."""

from typing import TYPE_CHECKING, Any

from throughline.evaluations import evaluate
from throughline.identity import Identity, identify, identity
from throughline.instrumentor import instrument, uninstrument
from throughline.retrievals import Retrieved, retrieval
from throughline.settings import ContentMode, Settings
from throughline.version import __version__

if TYPE_CHECKING:
    from throughline.privacy.masking import Masker

__all__ = [
    "ContentMode",
    "Identity",
    "Masker",
    "Retrieved",
    "Settings",
    "__version__",
    "evaluate",
    "identify",
    "identity",
    "instrument",
    "retrieval",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    """`Masker`, whose tables only who masks should pay for."""
    if name == "Masker":
        from throughline.privacy.masking import Masker

        return Masker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
