"""The resolved compose file."""

from __future__ import annotations

import pytest
from compose import composed
from compose.composed import Plain


@pytest.fixture(scope="session")
def project() -> Plain:
    """The whole file, with nothing set but .env."""
    return composed.resolved()


@pytest.fixture(scope="session")
def services(project: Plain) -> dict[str, Plain]:
    """Its services by name."""
    return dict(project["services"])
