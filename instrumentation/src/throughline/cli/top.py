"""`throughline top`: figures over all records, by one dimension; lists no single record."""

from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console

from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import not_found
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Model, Prompt, Service, Since, Until, User, write_json
from throughline.cli.tables import figures_table
from throughline.store import queries
from throughline.store.queries import By, Order, Search

EXAMPLES: Final = "Examples: throughline top model --since 1d · throughline top user --order tokens"


def top(
    by: Annotated[By, typer.Argument(help="What to group by.")] = "prompt",
    since: Since = None,
    until: Until = None,
    order: Annotated[Order, typer.Option(help="What comes first.")] = "calls",
    user: User = None,
    model: Model = None,
    prompt: Prompt = None,
    service: Service = None,
    operation: Annotated[
        str | None, typer.Option(help="Only this operation; all: every one.", show_default=True)
    ] = "chat",
    judging: Annotated[
        bool, typer.Option("--judging", help="Only calls of judges, which are left out otherwise.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many groups.")] = 10,
    json: Json = False,
) -> None:
    """Count calls and errors, latency, tokens and cost, grouped; over all traffic, because records are not sampled.

    By fingerprint, prompts are together that begin alike; by experiment, what its assignment chose.
    """
    first, last = read_period(since, until)
    search = Search(
        user=user, model=model, prompt=prompt, service=service, since=first, until=last,
        operation=None if operation == "all" else operation, judging=judging,
    )  # fmt: skip
    with Endpoints.find().elasticsearch() as store:
        rows, whole = queries.top(store, by, search, limit, order), queries.total(store, search)
    if json:
        for row in rows:
            write_json({"by": by, **asdict(row), "error_rate": row.error_rate})
    elif whole.calls:
        Console().print(figures_table(f"{by}s, by {order}", rows, whole))
    else:
        raise not_found("no record matches", "loosen the search: --since, --operation all")
