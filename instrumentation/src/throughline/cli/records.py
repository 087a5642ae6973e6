"""`throughline records`: the search over what was generated; shows metadata only, a trace's content is with `trace`."""

from typing import Annotated, Final, Literal

import typer
from rich.console import Console

from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import not_found
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Model, Prompt, Service, Since, Until, User, write_json
from throughline.cli.tables import records_table
from throughline.store import queries
from throughline.store.queries import Search

EXAMPLES: Final = (
    "Examples: throughline records --user ada --since 2h · throughline records --status error --since 1d · "
    'throughline records --text "second opinion" --json | jq .trace_id'
)
_MOST: Final = 10_000


def records(
    user: User = None,
    since: Since = None,
    until: Until = None,
    model: Model = None,
    status: Annotated[Literal["ok", "error"] | None, typer.Option(help="Only these.", show_default=False)] = None,
    prompt: Prompt = None,
    variant: Annotated[str | None, typer.Option(help="Only of this prompt variant.", show_default=False)] = None,
    text: Annotated[
        str | None, typer.Option(help="Only with these words, in this order, in the content.", show_default=False)
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="Only of this conversation id.", show_default=False)] = None,
    session: Annotated[str | None, typer.Option(help="Only of this session id.", show_default=False)] = None,
    service: Service = None,
    operation: Annotated[
        str | None, typer.Option(help="Only these: chat, embeddings, retrieval, …", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """List what was generated, newest first: who, when, which model and prompt, tokens, cost, outcome.

    Every call has its record; records are never sampled. --json writes one document a line, with content for who may
    read it.
    """
    first, last = read_period(since, until)
    search = Search(
        user=user, session=session, conversation=conversation, model=model, prompt=prompt, variant=variant,
        service=service, operation=operation, status=status, text=text, since=first, until=last,
    )  # fmt: skip
    with Endpoints.find().elasticsearch() as store:
        found = queries.find(store, queries.RECORDS, search, limit)
        said = queries.contents(store, records=[record["_id"] for record in found]) if json else {}
    if json:
        for record in queries.with_contents(found, said):
            write_json(record)
    elif found:
        console = Console()
        console.print(records_table(found, f"{len(found)} records, newest first", console.width, in_trace=False))
        console.print("[dim]throughline trace ID shows one of them whole[/]")
    else:
        raise not_found("no record matches", "loosen the search, or see with `throughline doctor` whether any arrive")
