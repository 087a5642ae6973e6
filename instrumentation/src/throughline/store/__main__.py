"""`python -m throughline.store`: setup from the environment alone, for a stack that starts; no options, no queries."""

import os
import sys
import time

from elasticsearch import ApiError, Elasticsearch, TransportError

from throughline.store import Retention, connect, setup
from throughline.store.roles import provision

PATIENCE_SECONDS = 180


def main() -> None:
    """Provision the Elasticsearch of ELASTICSEARCH_URL, once it is up, and print what changed.

    Roles, too, where it asks who is there; and their keys, into the files that THROUGHLINE_WRITER_API_KEY_FILE and its
    siblings name.
    """
    retention = Retention.read(os.environ)
    with connect(os.environ, operator=True) as client:
        wait(client, PATIENCE_SECONDS)
        changes = setup(client, retention=retention) + provision(client, os.environ)
    sys.stdout.writelines(f"{change}\n" for change in changes or ["everything was in place"])


def wait(client: Elasticsearch, seconds: float) -> None:
    """Return when Elasticsearch takes requests; after so many seconds its last answer is raised."""
    patient = client.options(max_retries=0)
    deadline = time.monotonic() + seconds
    while True:
        try:
            patient.cluster.health(wait_for_status="yellow", timeout="5s")
        except (TransportError, ApiError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main()
