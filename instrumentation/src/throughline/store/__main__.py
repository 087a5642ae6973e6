"""`python -m throughline.store`: setup, or housekeeping that stays, from the environment alone; no queries."""

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from elasticsearch import ApiError, Elasticsearch, TransportError

from throughline.store import Retention, connect, setup
from throughline.store.copies import remove_copies
from throughline.store.provisioning import retain
from throughline.store.roles import provision

PATIENCE_SECONDS = 180


def main() -> None:
    """Provision the Elasticsearch of ELASTICSEARCH_URL, once it is up; with `--every`, keep house there instead.

    Roles, too, where it asks who is there; and their keys, into the files that THROUGHLINE_WRITER_API_KEY_FILE and its
    siblings name.
    """
    options = argparse.ArgumentParser(prog="python -m throughline.store", description=__doc__)
    options.add_argument("--every", type=float, metavar="SECONDS", help="stay, and repeat retention and clean-up")
    every, retention = options.parse_args().every, Retention.read(os.environ)
    with connect(os.environ, operator=True) as client:
        wait(client, PATIENCE_SECONDS)
        if every is None:
            changes = setup(client, retention=retention) + provision(client, os.environ) + remove_copies(client)
            _say(changes or ["everything was in place"])
        else:
            keep_house(client, retention, every)


def keep_house(client: Elasticsearch, retention: Retention, every: float) -> NoReturn:
    """Retention and the removal of copies, again and again; what fails is said and tried the next time."""
    since = None
    while True:
        began = datetime.now(UTC)
        try:
            _say(retain(client, retention) + remove_copies(client, since=since))
            since = began - timedelta(hours=1)  # whatever the clocks say
        except (TransportError, ApiError) as error:
            _say([f"Elasticsearch did not let this be done ({type(error).__name__}): tried again in {every:g} s"])
        time.sleep(every)


def _say(changes: list[str]) -> None:
    sys.stdout.writelines(f"{change}\n" for change in changes)
    sys.stdout.flush()


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
