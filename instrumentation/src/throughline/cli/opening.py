"""`throughline open`: an auditor reads sealed content, and that he did is on record before he sees any of it."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from elasticsearch import ApiError, Elasticsearch
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from throughline import blobs, names
from throughline.cli import wording
from throughline.cli.content import render_content
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import CommandError, bad_input, not_found
from throughline.cli.operators import HEARD_SECONDS, Actor, OperatorKey, Reason, audited
from throughline.cli.options import Json, write_json
from throughline.cli.trace import trace_id_of
from throughline.cli.verify import opened, read_terms
from throughline.privacy.sealing import Opener
from throughline.records import sealed
from throughline.records.sealed import Sealed
from throughline.records.verification.judging import Judge
from throughline.settings import KEY_LIST

EXAMPLES: Final = (
    "Examples: throughline open 4bf92f35 --key auditor.pem --operator-key me.pem --reason 'complaint 17' · "
    "throughline open RECORD RECORD --key auditor.pem --reason 'audit of May' --json"
)
_RECORD_ID: Final = re.compile(r"[0-9a-f]{33,128}")


def open_sealed(
    identifiers: Annotated[list[str], typer.Argument(metavar="ID…", help="Record ids, or ids of whole traces.")],
    key: Annotated[Path, typer.Option(help="The auditor's private key, of which the application has the public one.")],
    reason: Reason,
    operator_key: OperatorKey,
    actor: Actor = "",
    json: Json = False,
) -> None:
    """Open sealed content and show it, after a signed record of who opened what, when and why is in the audit trail.

    Without that record, acknowledged by the Collector, nothing is shown. What another key sealed, or somebody altered,
    is told and not shown; the exit code is 1 then. Unless a signed statement proves the record, by the list of keys
    (THROUGHLINE_KEY_LIST), it is said that what is shown is not verified.
    """
    opener = _opener(key)
    endpoints = Endpoints.find()
    with endpoints.elasticsearch() as store:
        found = [each for identifier in identifiers for each in _found(store, identifier)]
        ours = {each.record_id: each for each in found if each.sealed_for in ("", opener.key_id)}
        if not ours:
            raise _none_for_us(found, opener)
        with audited(endpoints.variables, operator_key, actor, reason) as audit:
            audit.tell(names.CONTENT_OPENED, sorted(ours), HEARD_SECONDS)
    proven = _proven(endpoints, ours.values())
    failed = sum(
        not _show(each, opener, endpoints.variables, is_proven=each.record_id in proven, json=json)
        for each in ours.values()
    )
    for other in {each.sealed_for for each in found} - {"", opener.key_id}:
        Console(stderr=True).print(Text(f"some of it is sealed for key {other}, which is not yours", "yellow"))
    if failed:
        raise not_found(f"{failed} of {len(ours)} records could not be opened", "see above which, and why")


def _opener(key: Path) -> Opener:
    try:
        return Opener(key)
    except ValueError as error:
        raise bad_input(f"--key: {error}", "name the private key of the pair, NAME.pem beside NAME.pub.pem") from None


def _found(store: Elasticsearch, identifier: str) -> list[Sealed]:
    written = identifier.strip().lower()
    if _RECORD_ID.fullmatch(written):
        return sealed.of_records(store, [written])
    return sealed.of_trace(store, trace_id_of(store, written))


def _none_for_us(found: list[Sealed], opener: Opener) -> CommandError:
    others = ", ".join(sorted({each.sealed_for for each in found}))
    if others:
        return bad_input(f"it is sealed for key {others}, and --key is {opener.key_id}", "name that key's private part")
    return not_found("no sealed content of these ids", "`throughline trace ID` shows content that is not sealed")


def _proven(endpoints: Endpoints, found: Collection[Sealed]) -> set[str]:
    """Ids of those whose record a signed statement proves, as far as that can be known here and now."""
    if not endpoints.variables.get(KEY_LIST, "").strip():
        return set()
    try:
        terms = read_terms(endpoints.variables, grace=0)
        with opened(endpoints, None, None, terms, "*", contents=False) as (_, sources):
            judge = Judge(sources)
            return {each.record_id for each in found if each.place and judge.proves(*each.place, operator=False)}
    except (CommandError, ApiError):
        return set()


def _show(each: Sealed, opener: Opener, variables: Mapping[str, str], *, is_proven: bool, json: bool) -> bool:
    """Whether it could be opened."""
    try:
        content = sealed.opened(each, opener, variables.get(blobs.CONTENT_STORE))
    except (ValueError, OSError) as error:
        why = str(error) if isinstance(error, ValueError) else f"its store does not answer ({type(error).__name__})"
        Console(stderr=True).print(Text.assemble(("error: ", "bold red"), f"{each.record_id}: {why}"), soft_wrap=True)
        return False
    if json:
        known = {"record": each.record_id, "trace": each.trace_id, "span": each.span_id, "event": each.event}
        verified = {"verified": is_proven} | ({} if is_proven else {"next": _how_to_verify(each)})
        write_json({**known, "timestamp": each.timestamp, "content": content, **verified})
    else:
        _print(each, content)
        if not is_proven:
            text = Text.assemble(("not verified", "bold yellow"), f": {_how_to_verify(each)}")
            Console().print(text, soft_wrap=True)
    return True


def _how_to_verify(each: Sealed) -> str:
    if each.place is None:
        return "its record is of no chain, so that nothing proves it"
    chain = wording.printable(each.place[0])
    return f"`throughline verify --chain {chain}` tells whether its record is the one that was signed"


def _print(each: Sealed, content: dict[str, Any]) -> None:
    lines = render_content(content, None)
    shown = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS}
    shown |= {names.RETRIEVAL_QUERY_TEXT, names.CONTENT_TRUNCATED}
    for name, value in content.items():
        if name not in shown:
            text = value if isinstance(value, str) else json_module.dumps(value, ensure_ascii=False)
            lines.append(Text.assemble((f"{name}: ", "bold"), wording.printable(text)))
    Console().print(Panel(Text("\n").join(lines), title=each.record_id, title_align="left"))
