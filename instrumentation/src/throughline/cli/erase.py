"""`throughline erase`: takes what a person said, and his name, out of all stores; shows it before, proves it after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline import names
from throughline.blobs import CONTENT_STORE, Store
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import CommandError, bad_input, not_found, unreachable
from throughline.cli.moments import ACCEPTED, read_moment
from throughline.cli.operators import HEARD_SECONDS, Actor, OperatorKey, Reason, audited, public_keys
from throughline.records import streams
from throughline.records.erasing import in_jaeger, person, remains, spooled
from throughline.records.erasing.erasure import Erasure, LeftError
from throughline.records.erasing.person import Trail
from throughline.settings import Settings, default_spool

EXAMPLES: Final = (
    "Examples: throughline erase --user ada --reason 'request 17' --operator-key me.pem --dry-run · "
    "throughline erase --user ada --reason 'request 17' --operator-key me.pem"
)
_SHOWN: Final = 5
_VISIBLE_SECONDS: Final = 60.0
_EXPUNGE_SECONDS: Final = 180.0
_PATIENCE_SECONDS: Final = 120
_PAUSE_SECONDS: Final = 0.2
_UNREACHED: Final = (
    "not reached from here: the free pages of the Collector's queue file, which it gives up when it starts anew; "
    "its set-aside.json; backups and snapshots; spools on other machines"
)


def erase(
    user: Annotated[str, typer.Option(help="The user id of the person who is to be forgotten.")],
    reason: Reason,
    operator_key: OperatorKey,
    until: Annotated[
        str | None,
        typer.Option(help=f"Only what was recorded up to this moment, else up to now: {ACCEPTED}.", show_default=False),
    ] = None,
    actor: Actor = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase what a person said and was answered, and who it was, everywhere; then prove that it is gone.

    Records stay without name and content, and so does their proof: a signed tombstone says that they were erased, and
    `throughline verify` passes. A run that broke off can be run again. Exit code 1: something is left.
    """
    if not user.strip() or user in reason:
        raise bad_input("--user is empty, or --reason names him and stays in the audit trail", "name a ticket instead")
    endpoints, console = Endpoints.find(), Console()
    operators = public_keys(operator_key, endpoints.variables)

    def tell(record_ids: list[str]) -> list[str]:
        with audited(endpoints.variables, operator_key, actor, reason) as audit:
            return audit.tell(names.CONTENT_ERASED, record_ids, HEARD_SECONDS)

    with endpoints.elasticsearch(operator=True) as store:
        client = store.options(request_timeout=_PATIENCE_SECONDS)
        trail = person.trail(client, user, read_moment(until or "now", "--until"), operators)
        run = _Run(endpoints, client, console, trail)
        run.show()
        if dry_run or not (yes or run.trail.is_empty or typer.confirm("Erase all this for ever?")):
            return
        if not run.trail.is_empty:
            run.erase(tell)
        left = list(run.left())
    _conclude(console, left)


def _conclude(console: Console, left: list[str]) -> None:
    console.print(Text(_UNREACHED, "dim"))
    for what in left:
        console.print(Text.assemble(("left: ", "bold red"), what), soft_wrap=True)
    if left:
        raise not_found("not all of it is gone", "see above what is left, and run it again")
    console.print(Text("nothing readable of this person is left", "green"))


class _Run:
    """One run of the command."""

    def __init__(self, endpoints: Endpoints, store: Elasticsearch, console: Console, trail: Trail) -> None:
        self._endpoints, self._store, self._console, self.trail = endpoints, store, console, trail
        self._contents = _content_store(endpoints)
        self._erasure = Erasure(store, trail, self._contents, self._tombstone)
        self._said = remains.samples(store, trail)
        self._tell: Callable[[list[str]], list[str]] = list

    def show(self) -> None:
        """What there is, in numbers, and some ids."""
        table = Table(box=None, pad_edge=False, show_header=False)
        for what, count in self._erasure.plan().items():
            table.add_row(Text(f"{count:,}", justify="right"), what)
        self._console.print(table)
        if self.trail.records:
            some = ", ".join(sorted(self.trail.records)[:_SHOWN])
            self._console.print(Text(f"records: {some}{' …' if len(self.trail.records) > _SHOWN else ''}", "dim"))
        if kept := len(self._erasure.blobs.common):
            self._console.print(f"{kept} contents in the store stay: records of others refer to the same")
        if elsewhere := self._erasure.blobs.elsewhere:
            raise bad_input(
                f"{len(elsewhere)} contents are in another store than {CONTENT_STORE} names",
                f"set it to the store where they are: {next(iter(elsewhere.values())).url.rpartition('/')[0]}",
            )

    def erase(self, tell: Callable[[list[str]], list[str]]) -> None:
        """Do it, saying each step when it is over."""
        self._tell = tell
        try:
            for step in self._erasure.steps():
                self._console.print(f"done: {step}")
        except LeftError as error:
            raise unreachable(str(error), "run it again: it goes on where it broke off") from None

    def _tombstone(self, record_ids: list[str]) -> None:
        _verifiable(self._store, self._tell(record_ids))

    def left(self) -> Iterator[str]:
        """All that is left of him."""
        with self._console.status("having Elasticsearch remove the bytes of what was deleted"):
            if indices := remains.expunge(self._store, _EXPUNGE_SECONDS):
                yield f"bytes of deleted documents in {len(indices)} indices, until Elasticsearch merges them"
        if set_aside := sorted(self._erasure.blobs.set_aside):
            some = f"{', '.join(set_aside[:_SHOWN])}{' …' if len(set_aside) > _SHOWN else ''}"
            yield f"{len(set_aside)} records, whole, in the Collector's set-aside.json; take out the lines of {some}"
        yield from remains.remains(self._store, self.trail, self._contents, self._erasure.blobs, self._said)
        yield from self._in_jaeger()
        yield from spooled.remains(_spool(self._endpoints), self.trail)

    def _in_jaeger(self) -> Iterator[str]:
        if self._endpoints.variables.get("JAEGER_URL"):
            with self._endpoints.http() as http:
                yield from in_jaeger.remains(http, self._endpoints.url("JAEGER_URL"), self._store, self.trail)


def _content_store(endpoints: Endpoints) -> Store | None:
    url = endpoints.variables.get(CONTENT_STORE, "").strip()
    try:
        return Store(url) if url else None
    except ValueError as error:
        raise bad_input(str(error), f"set {CONTENT_STORE} as the application has it") from None


def _spool(endpoints: Endpoints) -> Path:
    return Settings.from_environment(endpoints.variables).spool or default_spool(endpoints.variables)


def _verifiable(store: Elasticsearch, told: list[str]) -> None:
    """Return when the tombstones can be found, and the signed ends of their chains: from then on they count."""
    deadline = time.monotonic() + _VISIBLE_SECONDS
    while True:
        store.indices.refresh(index=streams.AUDIT, ignore_unavailable=True)
        found = [hit for batch in streams.batches(told) for hit in streams.hits(store, streams.AUDIT, _ids(batch))]
        chains = {hit["_source"]["attributes"][names.CHAIN_ID] for hit in found}
        if len(found) == len(told) and chains <= _closed(store, chains):
            return
        if time.monotonic() > deadline:
            raise _invisible()
        time.sleep(_PAUSE_SECONDS)


def _ids(batch: list[str]) -> streams.Query:
    return {"ids": {"values": batch}}


def _closed(store: Elasticsearch, chains: set[str]) -> set[str]:
    """Those of the chains of which a signed statement tells the end."""
    ended = {"term": {f"attributes.{names.CHECKPOINT_CLOSED}": True}}
    query = {"bool": {"filter": [{"terms": {f"attributes.{names.CHAIN_ID}": sorted(chains)}}, ended]}}
    return {hit["_source"]["attributes"][names.CHAIN_ID] for hit in streams.hits(store, streams.AUDIT, query)}


def _invisible() -> CommandError:
    return unreachable(
        "the tombstones do not appear in Elasticsearch, so nothing was erased",
        "the Collector has them and delivers them when it can; run it again then",
    )
