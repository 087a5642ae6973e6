"""`throughline why`: what set a failed or slow request apart from its peers; it computes nothing by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer
from elasticsearch import Elasticsearch
from rich.console import Console

from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, not_found
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Since, Until, write_json
from throughline.cli.progress import counting
from throughline.cli.trace import trace_id_of

if TYPE_CHECKING:
    from throughline.explaining.explanation import Explanation
    from throughline.explaining.requests import Request
    from throughline.explaining.stored import Peers

EXAMPLES: Final = (
    "Examples: throughline why 4bf92f35 · throughline why 4bf92f35 --peers 500 --json | jq -r .summary · "
    "throughline why RECORD looks at that one operation alone"
)
_RECORD_ID: Final = re.compile(r"[0-9a-f]{33,128}")


def why(
    identifier: Annotated[
        str,
        typer.Argument(metavar="ID", help="As for `throughline trace`; a record's id: that operation alone."),
    ],
    peers: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the nearest in time.")] = 2_000,
    since: Since = None,
    until: Until = None,
    json: Json = False,
) -> None:
    """Say what set a failed or slow request apart: where its time went, and which of all it has goes with that.

    Its peers have the same operation and prompt (or service, where these are too few) and ran up to 24 hours before or
    after it. All is taken from records, which are never sampled; content is neither needed nor read. A value is blamed
    only where it goes with slow or failed requests beyond chance: where nothing does, in at most 5 of 100 requests.
    """
    if not _has_statistics():
        raise bad_input("`throughline why` needs numpy and scipy", "pip install 'throughline[compare]'")
    period = read_period(since, until)
    with Endpoints.find().elasticsearch() as store:
        asked = _asked(store, identifier)
        explanation, found = _explained(store, asked, identifier, period, peers)
    from throughline.cli import explained

    if json:
        write_json(explained.as_json(explanation, found))
    else:
        explained.show(explanation, found, Console())


def _has_statistics() -> bool:
    """They are imported here and below only: they take a second or two, and no other command needs them."""
    try:
        from throughline.explaining import explanation
    except ImportError:
        return False
    return bool(explanation)


def _asked(store: Elasticsearch, identifier: str) -> Request:
    from throughline.explaining import stored

    trace_id = trace_id_of(store, identifier)
    whole = stored.request(store, trace_id)
    record_id = record_id_of(identifier)
    asked = whole.only(record_id) if whole and record_id else whole
    if asked is None:
        raise not_found(
            f"no record of {identifier}",
            "a record is there some seconds after its call; `throughline records --since 15m` lists the newest. "
            "Calls of judges are not explained",
        )
    return asked


def record_id_of(identifier: str) -> str | None:
    """The identifier as a record's id, or None where it is none."""
    written = identifier.strip().lower()
    return written if _RECORD_ID.fullmatch(written) else None


def _explained(
    store: Elasticsearch, asked: Request, identifier: str, period: tuple[str | None, str | None], most: int
) -> tuple[Explanation, Peers]:
    from throughline.explaining import stored
    from throughline.explaining.explanation import explain

    single = record_id_of(identifier) is not None
    with counting("peers read") as count:
        found = stored.peers(store, asked, since=period[0], until=period[1], most=most, single=single, told=count.reach)
        traces = [asked.trace_id, *(peer.trace_id for peer in found.requests)]
        scores = stored.scores(store, list(dict.fromkeys(traces)))
    return explain(asked, found.requests, delays=stored.delays(store, asked), scores=scores), found
