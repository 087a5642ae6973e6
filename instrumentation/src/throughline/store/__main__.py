"""`python -m throughline.store`: setup, or housekeeping that stays, from the environment alone; no queries."""

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from elasticsearch import ApiError, Elasticsearch, TransportError

from throughline.store import Retention, connect, setup
from throughline.store.copies import remove_copies
from throughline.store.provisioning import retain
from throughline.store.reports import NotPublishedError, publish
from throughline.store.roles import provision
from throughline.store.storage import storage

PATIENCE_SECONDS = 180
FIRST_PAUSE = 15.0


def main() -> None:
    """Provision the Elasticsearch of ELASTICSEARCH_URL, once it is up; with `--every`, keep house there instead.

    Roles, too, where it asks who is there; and their keys, into the files that THROUGHLINE_WRITER_API_KEY_FILE and its
    siblings name.
    """
    options = argparse.ArgumentParser(prog="python -m throughline.store", description=__doc__)
    options.add_argument("--every", type=float, metavar="SECONDS", help="stay, and repeat retention and clean-up")
    options.add_argument("--verify", metavar="AGE", help="with --every: each time, verify what is younger, and publish")
    asked, retention = options.parse_args(), Retention.read(os.environ)
    every = asked.every
    with connect(os.environ, operator=True) as client:
        wait(client, PATIENCE_SECONDS)
        if every is None:
            changes = setup(client, retention=retention) + provision(client, os.environ) + remove_copies(client)
            _say(changes or ["everything was in place"])
        else:
            keep_house(client, retention, every, asked.verify)


def keep_house(client: Elasticsearch, retention: Retention, every: float, age: str | None) -> NoReturn:
    """Retention, the removal of copies, reports, again and again; what fails is said and tried the next time.

    At first it does so more often: a store that has just begun soon has something to report.
    """
    since, pause = None, min(every, FIRST_PAUSE)
    while True:
        began = datetime.now(UTC)
        try:
            _say(retain(client, retention) + remove_copies(client, since=since))
            since = began - timedelta(hours=1)  # whatever the clocks say
            publish(client, storage(client, retention))
            if age:
                _say(verify(age))
        except (TransportError, ApiError, NotPublishedError) as error:
            _say([f"Elasticsearch did not let this be done ({type(error).__name__}): tried again in {pause:g} s"])
        time.sleep(pause)
        pause = min(2 * pause, every)


def verify(age: str) -> list[str]:
    """Have what is younger verified, and the verdicts published; what was found wrong or went wrong, in words.

    By a process of its own: whatever a verification takes or meets, the house is kept. It knows the environment alone,
    whose paths are absolute, and no stack that happens to run where this was started.
    """
    command = [sys.executable, "-m", "throughline.cli", "verify", "--publish", "--since", age, "--processes", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=os.sep)
    if done.returncode == 0:
        return []
    return [*done.stdout.splitlines(), *done.stderr.splitlines()] or [f"the verification ended by {done.returncode}"]


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
