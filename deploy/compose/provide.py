"""Makes what the containers' secrets are, where they are missing: certificates, and the key that signs; starts nothing.

Each folder below is a volume, so that a container gets its own and no other's.
"""

import shutil
from pathlib import Path

from native.certificates import provide
from native.evidence import Evidence
from throughline.records.keys import Purpose

PLACE = Path("/var/lib/throughline")


def main() -> None:
    """Works a second time, too, and then renews what ends soon."""
    provide(PLACE / "tls")
    evidence = Evidence(PLACE / "evidence")
    evidence.provide([Purpose.SIGNING])
    # For `housekeeping`, which verifies: it must not see the key that signs beside it.
    shutil.copyfile(evidence.key_list, PLACE / "tls" / "operator" / evidence.key_list.name)


if __name__ == "__main__":
    main()
