"""Publishing from a command: by the operator's key, asked for before the work is done; it makes no report."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import unreachable
from throughline.store import reports
from throughline.store.connection import OPERATOR_KEY
from throughline.store.reports import NotPublishedError, Report

Publisher = Callable[[Iterable[Report]], int]
_ADVICE: Final = f"set {OPERATOR_KEY} to a file with a key of the role operator, or leave out --publish"


@contextmanager
def publishing(endpoints: Endpoints) -> Iterator[Publisher]:
    """What publishes reports. CommandError where Elasticsearch would not let this user, or does not let him."""
    with endpoints.elasticsearch(operator=True) as client:
        if not reports.may_publish(client):
            raise unreachable("you may not publish reports", _ADVICE)

        def publish(found: Iterable[Report]) -> int:
            try:
                return reports.publish(client, found)
            except NotPublishedError as error:
                raise unreachable(f"Elasticsearch refuses {error}", _ADVICE) from None

        yield publish
