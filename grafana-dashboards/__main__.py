"""`python grafana-dashboards [--check]`: writes the dashboards and alert rules as JSON, or says what is out of date."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from alerts import RULES
from alerts.rule import provisioned
from boards import BOARDS
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER: Final = Path(__file__).parent
BOARD_FILES: Final = "generated"
ALERT_FILES: Final = "provisioning/alerting"


def rendered() -> dict[str, str]:
    """Each file, by its path in this folder, and its text."""
    contents: dict[str, object] = {f"{BOARD_FILES}/{board.name}.json": board.built() for board in BOARDS}
    contents[f"{ALERT_FILES}/throughline.json"] = provisioned(RULES)
    return {
        name: json.dumps(content, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, content in contents.items()
    }


def stale(files: dict[str, str]) -> list[str]:
    """Files that are missing, differ or are nobody's."""
    present = {
        str(file.relative_to(FOLDER)): file.read_text()
        for folder in (BOARD_FILES, ALERT_FILES)
        for file in (FOLDER / folder).glob("*.json")
    }
    return sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))


def main() -> int:
    """Exit code 1 if a check found differences."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing, compare")
    check = options.parse_args().check
    files = rendered()
    if check:
        differing = stale(files)
        sys.stderr.writelines(f"{name} is not up to date: run `make dashboards`\n" for name in differing)
        return 1 if differing else 0
    for name, text in files.items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text)
    for name in stale(files):
        (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
