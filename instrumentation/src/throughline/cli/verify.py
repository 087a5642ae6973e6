"""`throughline verify`: whether the evidence is whole; shows what was found and what to do, and repairs nothing."""

import time
from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import timedelta
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline.cli import wording
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, unreachable
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Since, Until, write_json
from throughline.cli.progress import counting
from throughline.cli.publishing import publishing
from throughline.records.keys import read_key_list
from throughline.records.verification.book import NoKeysError
from throughline.records.verification.findings import MEANING, NOTES, UNFINISHED, Group, Kind, Where
from throughline.records.verification.judging import Sources
from throughline.records.verification.spans import Report, Terms
from throughline.records.verification.stored import CONTENTS, METADATA, Stored
from throughline.records.verification.verdicts import verdicts
from throughline.records.verification.verifying import Scope
from throughline.records.verification.verifying import verify as verify_scope
from throughline.store import Retention

EXAMPLES: Final = (
    "Examples: throughline verify --since 1d --keys keys.json --anchor s3://bucket/anchors · "
    "throughline verify --chain 0f3a… --json · throughline verify --publish --since 2h"
)
_NANO: Final = 10**9
_SHOWN: Final = 3
_CHAINS: Final = 10
"""Places of a chain, and chains of a kind, that the table names."""

Keys = Annotated[
    Path | None,
    typer.Option("--keys", help="The published list of keys; else THROUGHLINE_KEY_LIST.", show_default=False),
]
Anchor = Annotated[
    str | None,
    typer.Option(help="Where statements are anchored, an fsspec URL; else THROUGHLINE_ANCHOR.", show_default=False),
]
Namespace = Annotated[str, typer.Option(help="Only data streams of this namespace; *: all.")]
MetadataOnly = Annotated[bool, typer.Option("--metadata-only", help="Leave contents alone; you need not see them.")]

Strict = Annotated[
    bool, typer.Option("--strict", help="What is not yet signed, stored or closed counts as a finding, too.")
]
Publish = Annotated[
    bool,
    typer.Option("--publish", help="Store the verdict on each chain, for boards and alerts; takes the operator's key."),
]


def verify(
    since: Since = None,
    until: Until = None,
    chain: Annotated[str | None, typer.Option(help="Only this chain.", show_default=False)] = None,
    keys: Keys = None,
    anchor: Anchor = None,
    namespace: Namespace = "*",
    metadata_only: MetadataOnly = False,
    grace: Annotated[int, typer.Option(min=0, help="Seconds that anything may be on its way.")] = 300,
    records_days: Annotated[
        int | None, typer.Option(min=1, help="Retention of records, instead of the settings'.", show_default=False)
    ] = None,
    contents_days: Annotated[
        int | None, typer.Option(min=1, help="Retention of contents, likewise.", show_default=False)
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many work at once.")] = 2,
    strict: Strict = False,
    publish: Publish = False,
    json: Json = False,
) -> None:
    """Check that no record was altered, removed, inserted or reordered since it was made, and each is signed for.

    Exit code 0 only if all is sound; notes, such as what expired or was erased lawfully, do not count.
    """
    notes = NOTES - UNFINISHED if strict else NOTES
    endpoints = Endpoints.find()
    first, last = read_period(since, until)
    terms = read_terms(endpoints.variables, grace, records_days, contents_days)
    started = time.monotonic()
    with ExitStack() as stack:
        publisher = stack.enter_context(publishing(endpoints)) if publish else None
        opening = opened(endpoints, keys, anchor, terms, namespace, contents=not metadata_only)
        stored, sources = stack.enter_context(opening)
        scope = Scope(first, last, chain, processes)
        total = stored.count(scope.since, scope.until) if scope.chain is None else None
        with counting("records verified", total) as count:
            report = verify_scope(stored, sources, scope, count.advance)
        if publisher:
            publisher(verdicts(report, notes))
    show(report, time.monotonic() - started, notes, json=json)
    if not report.tally.is_sound_but_for(notes):
        raise typer.Exit(1)


def read_terms(
    environment: Mapping[str, str], grace: int, records_days: int | None = None, contents_days: int | None = None
) -> Terms:
    """What excuses an absence, by the settings of retention and checkpoints."""
    try:
        kept = Retention.read(environment)
        interval = float(environment.get("THROUGHLINE_CHECKPOINT_SECONDS") or 60)
    except ValueError as error:
        raise bad_input(str(error), "correct the variable, or unset it") from None
    now = time.time_ns()
    least = min(kept.records, kept.operations, kept.evaluations)

    def ago(days: float) -> int:
        return now - int(timedelta(days=days).total_seconds()) * _NANO

    return Terms(
        now=now,
        records_from=ago(records_days or least),
        contents_from=ago(contents_days or min(kept.contents, records_days or kept.contents)),
        audit_from=ago(kept.audit),
        grace=grace * _NANO,
        unsigned_grace=int((grace + interval) * _NANO),
    )


@contextmanager
def opened(
    endpoints: Endpoints, keys: Path | None, anchor: str | None, terms: Terms, namespace: str, *, contents: bool
) -> Iterator[tuple[Stored, Sources]]:
    """Everything to read from, checked before hours are spent; Elasticsearch as it is at this moment."""
    environment = {**endpoints.variables}
    keys = keys or (Path(listed) if (listed := environment.get("THROUGHLINE_KEY_LIST", "").strip()) else None)
    anchor = anchor or environment.get("THROUGHLINE_ANCHOR", "").strip() or None
    _check(keys)
    with endpoints.elasticsearch():  # says what is wrong with the settings
        stored = Stored(environment, namespace=namespace)
    with stored.client, _told(anchor):
        if not stored.may_read(METADATA):
            raise unreachable("you may not read all records", "use a key of the role reader or auditor")
        if contents and not stored.may_read(CONTENTS):
            raise unreachable("you may not read contents", "use a key of the role auditor, or --metadata-only")
        snapshot = stored.freeze(contents=contents)
        try:
            yield stored, Sources(environment, snapshot, keys, anchor, terms)
        finally:
            stored.thaw()


def _check(keys: Path | None) -> None:
    try:
        if keys:
            read_key_list(keys)
            import_module("cryptography")
    except ImportError:
        raise bad_input("signatures need the package cryptography", "pip install 'throughline[evidence]'") from None
    except ValueError as error:
        raise bad_input(str(error), "give --keys, or THROUGHLINE_KEY_LIST, the published list") from None


@contextmanager
def _told(anchor: str | None) -> Iterator[None]:
    """What goes wrong beside Elasticsearch, in words."""
    try:
        yield
    except NoKeysError:
        raise bad_input(
            "there are signed statements, and no list of keys to check them by", "give --keys, or THROUGHLINE_KEY_LIST"
        ) from None
    except FileNotFoundError as error:
        raise bad_input(f"there is no {error.filename or anchor}", "give --anchor the URL that is written to") from None
    except (OSError, ValueError, ImportError) as error:
        if isinstance(error, BrokenPipeError) or not anchor:
            raise
        raise unreachable(f"the anchor cannot be read: {error}", "is --anchor, or THROUGHLINE_ANCHOR, right?") from None


def show(report: Report, seconds: float, notes: Set[Kind] = NOTES, *, json: bool) -> None:
    """All that was found, and the sum of it."""
    groups = list(report.tally.ordered())
    is_sound = report.tally.is_sound_but_for(notes)
    whole = {
        "sound": is_sound,
        "records": report.read,
        "proven": report.proven,
        "contents": report.contents,
        "chains": len(report.present),
        "seconds": round(seconds, 3),
    }
    if json:
        for kind, chain, group in groups:
            write_json(_as_json(kind, chain, group, notes))
        write_json(whole)
        return
    console = Console()
    if groups:
        console.print(_table(groups, notes))
    verdict = Text("sound", "bold green") if is_sound else Text("NOT SOUND", "bold red")
    told = f"{report.read:,} records of {len(report.present):,} chains, {report.proven:,} of them proven by signatures"
    console.print(verdict, f": {told}, {report.contents:,} contents; {wording.duration(seconds)}", sep="")


def _as_json(kind: Kind, chain: str, group: Group, notes: Set[Kind]) -> dict[str, Any]:
    meaning, advice = MEANING[kind]
    return {
        "found": kind,
        "is_note": kind in notes,
        "chain": chain,
        "count": group.count,
        "meaning": meaning,
        "next": advice,
        "places": [asdict(place) for place in group.places],
    }


def _table(groups: list[tuple[Kind, str, Group]], notes: Set[Kind]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(width=1)
    for heading in ("found", "records", "chain", "where"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "records" else "left")
    for kind, found in groupby(groups, key=lambda each: each[0]):
        mark, colour = ("·", "cyan") if kind in notes else ("✗", "red")
        chains = [(chain, group) for _, chain, group in found]
        for chain, group in chains[:_CHAINS]:
            table.add_row(Text(mark, colour), Text(kind, colour), f"{group.count:,}", chain or "none", _places(group))
        if rest := chains[_CHAINS:]:
            count = sum(group.count for _, group in rest)
            table.add_row("", Text(kind, colour), f"{count:,}", f"… and {len(rest):,} more, see --json", "")
        meaning, advice = MEANING[kind]
        table.add_row("", "", "", "", Text.assemble(meaning, ("\nnext: ", "bold"), advice, "\n"))
    return table


def _places(group: Group) -> Text:
    where = Text("\n").join(_where(place) for place in group.places[:_SHOWN])
    if len(group.places) > _SHOWN:
        where.append(f"\n… and {len(group.places) - _SHOWN:,} more, see --json", "dim")
    return where


def _where(place: Where) -> Text:
    span = "" if place.first is None else f"{place.first}" + (f"-{place.last}" if place.last != place.first else "")
    words = [word for word in (span, place.record, place.what) if word]
    return Text(wording.printable("  ".join(words)), "bold")
