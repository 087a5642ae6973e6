"""`python grafana-dashboards/preview`: pictures of the boards, of what a running stack answers to their queries."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # beside the boards, as their own `python grafana-dashboards` finds them

from preview.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(argparse.ArgumentParser(prog="python grafana-dashboards/preview")))
