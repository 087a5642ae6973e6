"""`probe.py [--wait SECONDS] ADDRESS…`: whether http:// and grpc:// addresses are ready; asks, and changes nothing.

For images without a program that could ask: a service's health check, and the step that waits for Jaeger and Collector.
"""

from __future__ import annotations

import argparse
import sys
import time

from native.part import Check, grpc_health, http


def check(address: str) -> Check:
    """The check that the address's scheme asks for, the same that the native stack uses."""
    scheme, _, rest = address.partition("://")
    return grpc_health(rest) if scheme == "grpc" else http(address)


def main() -> int:
    """Exit code 0 once each is ready, 1 with their names if some are not in time."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="ask again until then")
    options.add_argument("address", nargs="+")
    chosen = options.parse_args()
    deadline = time.monotonic() + chosen.wait
    missing = list(chosen.address)
    while missing := [address for address in missing if not check(address)()]:
        if time.monotonic() >= deadline:
            sys.stderr.writelines(f"not ready: {address}\n" for address in missing)
            return 1
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
