"""`python -m throughline.store`: setup from the environment alone, for a stack that starts; people use `throughline setup`."""

import os
import sys

from throughline.store import Retention, connect, setup


def main() -> None:
    """Provision the Elasticsearch of ELASTICSEARCH_URL and print what changed."""
    with connect(os.environ) as client:
        changes = setup(client, retention=Retention.read(os.environ))
    sys.stdout.writelines(f"{change}\n" for change in changes or ["everything was in place"])


if __name__ == "__main__":
    main()
