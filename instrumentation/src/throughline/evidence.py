"""Whether an instrumented process keeps its records as evidence, and how it describes itself. It keeps none itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs

from throughline.contained import contained
from throughline.settings import SIGNING_KEY_FILE, SPOOL, Settings

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from throughline.records.journal import Journal

_log = logging.getLogger(__name__)


def journal_of(settings: Settings, logger_provider: _logs.LoggerProvider | None, meter: Meter) -> Journal | None:
    """Where records are kept as evidence, and measured. Raises ValueError where folder or keys cannot be used."""
    if settings.spool is None:
        if settings.signing_key_file is not None:
            _log.warning("%s is set, but without %s no record is chained or signed", SIGNING_KEY_FILE, SPOOL)
        return None
    from throughline.records.journal import Journal, UnusableFolderError  # only where wanted: they take the SDK
    from throughline.records.measuring import measure

    try:
        journal = Journal.open(settings, partial(_resource, logger_provider))
    except UnusableFolderError as error:
        if not settings.spool_is_default:
            raise
        _log.warning("records go the SDK's way and are not chained: %s", error)
        return None
    contained(measure, meter, journal)
    return journal


def _resource(logger_provider: _logs.LoggerProvider | None) -> Mapping[str, Any]:
    """What describes this process; asked for at its first record, when the SDK is set up."""
    resource = getattr(logger_provider or _logs.get_logger_provider(), "resource", None)
    if resource is None:
        from opentelemetry.sdk.resources import Resource

        resource = Resource.create()
    return dict(resource.attributes)
