"""What somebody did to the evidence, told as records of his own chain, signed with his key, before he does it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Final

from throughline import names
from throughline.privacy.masking import Masker
from throughline.records.journal import Journal
from throughline.settings import ContentMode, Settings, default_spool

AT_ONCE: Final = 500
"""Records that one event names at most."""
SERVICE: Final = "throughline"
_OPERATORS: Final = "operators"


class UnheardError(Exception):
    """The Collector did not acknowledge what is about to be done; so it must not be done."""


class Audit:
    """One person's doings, for one reason. Raises ValueError for a key or setting that makes no sense.

    What he writes passes the masks, as the Collector's would otherwise change it later, under its digest.
    """

    def __init__(self, variables: Mapping[str, str], key: Path, actor: str, reason: str) -> None:
        settings = Settings.from_environment(variables)
        # Beside the applications' chains, not among them: what they left must not be closed under an operator's key.
        root = (settings.spool or default_spool(variables)) / _OPERATORS
        own = replace(settings, content=ContentMode.NO_CONTENT, seal_for_file=None, signing_key_file=key, spool=root)
        for name, value in variables.items():  # the exporter reads where to from the process's environment
            if name.startswith("OTEL_EXPORTER_OTLP_"):
                os.environ.setdefault(name, value)
        self._journal = Journal.open(own, {names.SERVICE_NAME: SERVICE})
        masker = Masker.from_environment()
        self._said = {names.AUDIT_ACTOR: masker.text(actor), names.AUDIT_REASON: masker.text(reason)}

    def tell(self, event: str, record_ids: list[str], seconds: float) -> list[str]:
        """Tell that this event concerns these records; the ids of what tells it. Raises UnheardError."""
        told = []
        for start in range(0, len(record_ids), AT_ONCE):
            told.append(os.urandom(24).hex())
            attributes = {
                **self._said,
                names.RECORD_ID: told[-1],
                names.AUDIT_RECORDS: record_ids[start : start + AT_ONCE],
            }
            if not self._journal.append(event, attributes, time=time_ns()):
                raise UnheardError
        if not self._journal.flush(seconds):
            raise UnheardError
        return told

    def close(self, seconds: float) -> None:
        """Close the chain, signed."""
        self._journal.close(seconds)
