"""Throughline: traces and evidence records of LLM applications, on OpenTelemetry."""

import importlib
from typing import TYPE_CHECKING, Any, Final

from throughline.evaluations import evaluate
from throughline.identity import Identity, identify, identity
from throughline.instrumentor import instrument, uninstrument
from throughline.retrievals import Retrieved, retrieval
from throughline.settings import ContentMode, Settings
from throughline.steps import Ran, agent, step, tool, workflow
from throughline.version import __version__

if TYPE_CHECKING:
    from throughline import prompts, scores
    from throughline.privacy.masking import Masker

__all__ = [
    "ContentMode",
    "Identity",
    "Masker",
    "Ran",
    "Retrieved",
    "Settings",
    "__version__",
    "agent",
    "evaluate",
    "identify",
    "identity",
    "instrument",
    "prompts",
    "retrieval",
    "scores",
    "step",
    "tool",
    "uninstrument",
    "workflow",
]
_MODULES: Final = ("prompts", "scores")


def __getattr__(name: str) -> Any:
    """What only who uses it should pay for: `Masker`, for its tables, and modules that not every application needs."""
    if name == "Masker":
        from throughline.privacy.masking import Masker

        return Masker
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
