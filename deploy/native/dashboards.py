"""Which panels of the dashboards have nothing to show of a running stack; the preview asks and judges."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from native.stack import REPOSITORY

PREVIEW: Final = REPOSITORY / "grafana-dashboards" / "preview"
GENERATED: Final = PREVIEW.parent / "generated"


def empty_panels(environment: Mapping[str, str], seconds: float) -> list[str]:
    """`board: panel: why` of each panel that shows an error or no data, of the last so many seconds.

    The environment names the stack's parts and by which certificates and key they are asked.
    """
    command = (sys.executable, str(PREVIEW), "--missing", "--since", f"{math.ceil(seconds)}s")
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if not done.stdout:
        return [done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the preview said nothing"]
    return [f"{each['board']}: {each['panel']}: {each['why']}" for each in json.loads(done.stdout)]


def panels(folder: Path = GENERATED) -> dict[str, int]:
    """How many panels that ask anything each board has, those in collapsed rows too; boards of texts are none."""
    boards = {file.stem: json.loads(file.read_text())["panels"] for file in sorted(folder.glob("*.json"))}
    counted = {
        name: sum(panel["type"] not in {"row", "text"} for panel in _all(board)) for name, board in boards.items()
    }
    return {name: count for name, count in counted.items() if count}


def _all(found: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in found:
        yield panel
        yield from panel.get("panels") or ()
