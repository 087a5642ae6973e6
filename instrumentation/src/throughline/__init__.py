"""Throughline: traces and evidence records of LLM applications, on OpenTelemetry."""

from throughline.evaluations import evaluate
from throughline.identity import Identity, identify, identity
from throughline.instrumentor import instrument, uninstrument
from throughline.privacy.masking import Masker
from throughline.retrievals import Retrieved, retrieval
from throughline.settings import ContentMode, Settings
from throughline.version import __version__

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
