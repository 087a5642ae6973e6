"""The one boundary between telemetry and the application: a fault inside costs telemetry, never the call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

_log = logging.getLogger(__name__)


def contained(function: Callable[..., Any], *args: Any) -> Any:
    """Run telemetry code; None where it raises. The error's text is not logged: it may quote somebody's prompt."""
    try:
        return function(*args)
    except Exception as error:
        lost(function, error)
        return None


def lost(function: Callable[..., Any], error: Exception) -> None:
    """Say, once for each place and kind of error, that telemetry was lost."""
    _warn(getattr(function, "__qualname__", type(function).__qualname__), type(error).__qualname__)


@cache
def _warn(function: str, error: str) -> None:
    _log.warning("telemetry lost in %s: %s (said once; the application is not affected)", function, error)
