"""Each client's spans beside those of another instrumentation, on the same exchanges; a table explains each difference.

Rivals would patch this process for good, so each run is a process of its own; `make clients` installs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from instrumentation.oracle.comparison import differences, table
from instrumentation.oracle.rivals import RIVALS

ROOT = Path(__file__).parents[3]
OVERLAYS = ROOT / ".parts" / "clients"
TABLES = Path(__file__).parent / "differences"


def start(name: str, whose: str) -> subprocess.Popen[str]:
    rival = RIVALS[name]
    overlays = [OVERLAYS / overlay for overlay in ("oracle", *rival.overlays)]
    assert all(overlay.is_dir() for overlay in overlays), "run `make clients`"
    path = os.pathsep.join(map(str, [*overlays, ROOT / "tests"]))
    command = [sys.executable, "-m", "instrumentation.oracle.run", name, whose]
    variables = {**os.environ, **rival.environment, "PYTHONPATH": path}
    return subprocess.Popen(command, env=variables, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def spans(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ours and theirs, of each call."""
    processes = [start(name, whose) for whose in ("ours", "theirs")]
    said = [process.communicate() for process in processes]
    for process, (_, complaints) in zip(processes, said, strict=True):
        assert process.returncode == 0, complaints[-3000:]
    ours, theirs = (json.loads(output) for output, _ in said)
    return ours, theirs


@pytest.mark.parametrize("name", list(RIVALS))
def test_each_difference_is_explained(name: str) -> None:
    ours, theirs = spans(name)
    assert all(ours.values())
    assert ours.keys() == theirs.keys()
    assert any(theirs.values()), "the rival recorded nothing"
    explained = list(table(yaml.safe_load((TABLES / f"{name}.yaml").read_text())))
    found = list(differences(ours, theirs))
    new = [str(difference) for difference in found if not any(each.explains(difference) for each in explained)]
    assert not new, "\n".join(new)
    idle = [each for each in explained if not any(each.explains(difference) for difference in found)]
    assert not idle, "\n".join(f"explains nothing: {each}" for each in idle)


@pytest.mark.parametrize("name", list(RIVALS))
def test_no_explanation_hides_more_than_it_says(name: str) -> None:
    explained = table(yaml.safe_load((TABLES / f"{name}.yaml").read_text()))
    assert not [each for each in explained if each.too_wide or not each.why.strip()]


def test_every_table_is_about_a_client() -> None:
    assert {path.stem for path in TABLES.glob("*.yaml")} == set(RIVALS)
