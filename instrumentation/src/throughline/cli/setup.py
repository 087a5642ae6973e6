"""`throughline setup`: brings Elasticsearch to the state that records need; what that is, `throughline.store` knows."""

import typer
from rich.console import Console

from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input
from throughline.cli.options import Json, write_json
from throughline.store import Retention, roles
from throughline.store import setup as provision


def setup(json: Json = False) -> None:
    """Load index templates and retention into Elasticsearch; running it again changes nothing that is already so.

    Roles and API keys, too, where Elasticsearch asks who is there: see THROUGHLINE_…_API_KEY_FILE in deploy's README.

    Days of retention: THROUGHLINE_RETENTION_RECORDS_DAYS and likewise for TRACES, EVALUATIONS, LOGS, METRICS.
    """
    endpoints = Endpoints.find()
    try:
        retention = Retention.read(endpoints.variables)
    except ValueError as error:
        raise bad_input(str(error), "correct the THROUGHLINE_RETENTION_… variable") from None
    with endpoints.elasticsearch(operator=True) as store:
        changes = provision(store, retention=retention) + roles.provision(store, endpoints.variables)
    if json:
        write_json({"changes": changes})
        return
    for change in changes or ["everything was in place"]:
        typer.echo(change) if changes else Console().print(f"[green]✓[/] {change}")
