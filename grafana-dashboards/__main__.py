"""`python grafana-dashboards [--check]`: writes the dashboards' JSON, or says whether what is committed is theirs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from boards import BOARDS
from grafana_foundation_sdk.cog.encoder import JSONEncoder

GENERATED: Final = Path(__file__).parent / "generated"


def rendered() -> dict[str, str]:
    """Each dashboard's file and its text."""
    boards = {f"{board.name}.json": board.built() for board in BOARDS}
    return {name: json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True) + "\n" for name, board in boards.items()}


def stale(files: dict[str, str]) -> list[str]:
    """Names of files that are missing, differ or are nobody's."""
    present = {file.name: file.read_text() for file in GENERATED.glob("*.json")}
    return sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))


def main() -> int:
    """Exit code 1 if a check found differences."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing, compare")
    check = options.parse_args().check
    files = rendered()
    if check:
        differing = stale(files)
        sys.stderr.writelines(f"generated/{name} is not up to date: run `make dashboards`\n" for name in differing)
        return 1 if differing else 0
    GENERATED.mkdir(exist_ok=True)
    for name, text in files.items():
        (GENERATED / name).write_text(text)
    for name in stale(files):
        (GENERATED / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
