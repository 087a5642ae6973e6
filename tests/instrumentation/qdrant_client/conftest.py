"""Imports Qdrant's client before the tests do: when 1.14 is compiled, it warns of itself."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import qdrant_client  # noqa: F401
