"""Which panels of the dashboards have nothing to show of a running stack; the preview asks and judges."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from native.stack import REPOSITORY

PREVIEW: Final = REPOSITORY / "grafana-dashboards" / "preview"


def empty_panels(environment: Mapping[str, str], seconds: float) -> list[str]:
    """`board: panel: why` of each panel that shows an error or no data, of the last so many seconds.

    The environment names the stack's parts and by which certificates and key they are asked.
    """
    command = (sys.executable, str(PREVIEW), "--missing", "--since", f"{math.ceil(seconds)}s")
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if not done.stdout:
        return [done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the preview said nothing"]
    return [f"{each['board']}: {each['panel']}: {each['why']}" for each in json.loads(done.stdout)]
