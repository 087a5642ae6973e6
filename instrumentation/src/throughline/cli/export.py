"""`throughline export`: records and what proves them as one file for somebody else; neither opens nor changes any."""

import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, not_found
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Since, Until, write_json
from throughline.cli.verify import Anchor, Keys, Namespace, opened, read_terms
from throughline.records.bundle import packing
from throughline.records.bundle.gathering import Gathering, selection
from throughline.records.verification.anchored import Anchored
from throughline.records.verification.book import Book
from throughline.records.verification.findings import Tally
from throughline.records.verification.judging import Sources
from throughline.records.verification.stored import Stored, period
from throughline.records.verification.trusted_keys import TrustedKeys

EXAMPLES: Final = (
    "Examples: throughline export --trace 4bf92f3577b34da6a3ce929d0e0e4736 --content --out case-17.zip · "
    "throughline export --user ada --since 30d --out ada.zip"
)


def export(
    out: Annotated[Path, typer.Option(help="The zip file to write.")],
    trace: Annotated[str | None, typer.Option(help="Only of this trace id.", show_default=False)] = None,
    user: Annotated[str | None, typer.Option(help="Only of this user id.", show_default=False)] = None,
    conversation: Annotated[str | None, typer.Option(help="Only of this conversation id.", show_default=False)] = None,
    since: Since = None,
    until: Until = None,
    content: Annotated[
        bool, typer.Option("--content", help="With prompts and answers; what is sealed stays sealed.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    keys: Keys = None,
    anchor: Anchor = None,
    namespace: Namespace = "*",
    json: Json = False,
) -> None:
    """Write records, their proofs, a page to read and a check that needs no Throughline into one zip file.

    Exit code 1 where it is written, but not every record in it is proven.
    """
    first, last = read_period(since, until)
    chosen = {"trace": trace, "user": user, "conversation": conversation, "since": first, "until": last}
    selected = {name: value for name, value in chosen.items() if value}
    if not selected:
        raise bad_input("nothing was selected", "give --trace, --user, --conversation, or --since and --until")
    _check(out, force=force)
    filters = selection(trace, user, conversation, period(first, last))
    endpoints = Endpoints.find()
    terms = read_terms(endpoints.variables, grace=0)
    with opened(endpoints, keys, anchor, terms, namespace, contents=content) as (stored, sources):
        told = _export(stored, sources, filters, {**selected, "content": content}, out)
    _show(told, out, json=json)
    if told["failing"] or told["outside"]:
        raise typer.Exit(1)


def _check(out: Path, *, force: bool) -> None:
    if out.exists() and not force:
        raise bad_input(f"{out} is there already", "choose another name, or --force")
    if not out.parent.is_dir():
        raise bad_input(f"there is no folder {out.parent}", "make it, or choose another")


def _export(
    stored: Stored, sources: Sources, filters: list[dict[str, object]], selected: dict[str, object], out: Path
) -> dict[str, int]:
    if sources.keys is None:
        raise bad_input("without the list of keys nothing can be proven", "give --keys, or THROUGHLINE_KEY_LIST")
    anchored = Anchored.unlisted(sources.anchor) if sources.anchor else None
    book = Book(stored, TrustedKeys(sources.keys), anchored, sources.terms, Tally())
    with tempfile.TemporaryDirectory(prefix=".throughline-export-", dir=out.parent) as folder:
        gathered = Gathering(stored, book, anchored, Path(folder)).gather(filters)
        if not gathered.records:
            raise not_found("no record that belongs to a chain matches", "loosen the selection")
        failing = sum(
            not verdict.holds for verdict in packing.complete(Path(folder), sources.keys, selected, gathered.records)
        )
        packing.pack(Path(folder), out)
    return {"records": gathered.records, "failing": failing, "outside": gathered.outside}


def _show(told: dict[str, int], out: Path, *, json: bool) -> None:
    if json:
        write_json({"file": str(out), **told})
        return
    console = Console()
    proven = told["records"] - told["failing"]
    console.print(Text.assemble((str(out), "bold"), f": {told['records']:,} records, {proven:,} of them proven"))
    if told["failing"]:
        console.print(Text("next: `throughline verify` says what is wrong with the others", "yellow"))
    if told["outside"]:
        console.print(Text(f"{told['outside']:,} more belong to no chain, and were left out", "yellow"))
    console.print(Text(f"check it anywhere: python {packing.CHECK} {out.name}", "dim"))
