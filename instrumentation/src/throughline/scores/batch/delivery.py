"""How a batch's evaluations reach the store once each: by the spool, the Collector, and a look whether they are there.

Elasticsearch takes an id once. A second record of the same id would be missing from its own chain; so before anything
is scored, what an earlier run left on the way has to arrive: its chains, delivered by the spool, can be counted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.records import cursor, left_over, streams
from throughline.records.journal import Journal
from throughline.records.ownership import LOCK, Ownership
from throughline.settings import Settings, WhenFull, default_spool

SERVICE: Final = "throughline"
_OWN: Final = "scores"
_OUTSTANDING: Final = "outstanding.json"
_POLL_SECONDS: Final = 0.2


class UndeliveredError(Exception):
    """Evaluations wait on the way to the store; where, the message says."""


class OccupiedError(Exception):
    """Another batch of this user is running on this machine."""


def own_settings(variables: Mapping[str, str]) -> Settings:
    """Those of the environment, with a spool beside the applications', where nothing is ever dropped."""
    settings = Settings.from_environment(variables)
    root = (settings.spool or default_spool(variables)) / _OWN
    anchor = settings.anchor if settings.signing_key_file else None  # the applications' own has no effect then
    return replace(settings, spool=root.expanduser().absolute(), spool_when_full=WhenFull.BLOCK, anchor=anchor)


class Delivery:
    """Of one run, which has the spool to itself. Raises OccupiedError, and ValueError for settings without sense."""

    def __init__(self, settings: Settings, client: Elasticsearch) -> None:
        assert settings.spool is not None
        self._settings, self._client, self._root = settings, client, settings.spool
        first = Journal.open(settings, {names.SERVICE_NAME: SERVICE})
        self._journals, self._of_environment = [first], {"": first}
        (self._root / LOCK).touch(mode=0o600)
        self._ownership = Ownership.take(self._root)
        if self._ownership is None:
            raise OccupiedError

    def also(self, journal: Journal) -> None:
        """Deliver this one's records, too: it keeps those of the judge's calls, in the same spool."""
        self._journals.append(journal)

    def arrive(self, seconds: float) -> None:
        """Wait until all that earlier runs recorded can be found. Raises UndeliveredError."""
        self._note(self._appended())
        if not self._outstanding():
            return
        self._journals[0].deliver_left_over()
        deadline = time.monotonic() + seconds
        while any(not chain.is_alive for chain in left_over.status(self._root).chains):
            self._wait(deadline, f"evaluations of an earlier run wait in {self._root}; the Collector takes none")
        self._see(deadline)

    def put(self, environment: str, attributes: Mapping[str, Any], trace_id: str, span_id: str) -> None:
        """Keep an evaluation, of an answer that was given in this environment. Raises UndeliveredError."""
        numbers = {"trace_id": int(trace_id or "0", 16), "span_id": int(span_id or "0", 16)}
        journal = self._journal(environment)
        if not journal.append(names.EVALUATION_RESULT, attributes, time=time.time_ns(), **numbers):
            raise UndeliveredError(f"{self._root} does not take evaluations: is the disk full?")

    def finish(self, seconds: float) -> None:
        """Deliver everything, and wait until it can be found. Raises UndeliveredError; what is left stays on disk."""
        deadline = time.monotonic() + seconds
        delivered = [journal.flush(max(deadline - time.monotonic(), 0.0)) for journal in self._journals]
        if not all(delivered):
            raise UndeliveredError(f"evaluations wait in {self._root}; the Collector takes none")
        self._note(self._appended())
        self._close(max(deadline - time.monotonic(), 0.0))
        self._see(deadline)

    def close(self) -> None:
        """Whatever happened; what is not delivered the next run delivers."""
        self._close(0.0)
        if self._ownership is not None:
            self._ownership.release()

    def _close(self, seconds: float) -> None:
        for journal in self._journals:
            journal.close(seconds)

    def _journal(self, environment: str) -> Journal:
        """A chain is of one process as it describes itself, so each environment has one."""
        if environment not in self._of_environment:
            resource = {names.SERVICE_NAME: SERVICE, names.DEPLOYMENT_ENVIRONMENT_NAME: environment}
            self._of_environment[environment] = Journal.open(self._settings, resource)
            self._journals.append(self._of_environment[environment])
        return self._of_environment[environment]

    # --- what is on the way -----------------------------------------------------------------------------------------

    def _appended(self) -> dict[str, int]:
        """How many records each chain in the spool has got so far, delivered or not."""
        found = {}
        for chain in left_over.status(self._root).chains:
            with suppress(FileNotFoundError):
                settled = cursor.settled(self._root / chain.id).sequence + 1
                found[chain.id] = settled + chain.waiting_records
        return {chain: count for chain, count in found.items() if count}

    def _outstanding(self) -> dict[str, int]:
        try:
            return dict(json.loads((self._root / _OUTSTANDING).read_bytes()))
        except (FileNotFoundError, ValueError):
            return {}

    def _note(self, appended: Mapping[str, int]) -> None:
        self._write({**self._outstanding(), **appended})

    def _write(self, outstanding: Mapping[str, int]) -> None:
        path = self._root / _OUTSTANDING
        new = path.with_suffix(".new")
        new.write_text(json.dumps(outstanding))
        new.replace(path)

    def _see(self, deadline: float) -> None:
        """Return when all that is outstanding can be found."""
        left = self._outstanding()
        while left := {chain: count for chain, count in left.items() if self._visible(chain) < count}:
            path = self._root / _OUTSTANDING
            self._wait(
                deadline,
                f"the Collector has evaluations that are not yet in Elasticsearch; {path} names their chains",
            )
        self._write({})

    def _visible(self, chain: str) -> int:
        query = {"term": {f"attributes.{names.CHAIN_ID}": chain}}
        return int(self._client.count(index=streams.RECORDS, query=query, ignore_unavailable=True)["count"])

    def _wait(self, deadline: float, why: str) -> None:
        if time.monotonic() > deadline:
            raise UndeliveredError(why)
        time.sleep(_POLL_SECONDS)
