"""`python tests/dashboards/golden/generate.py`: what Grafana's own libraries of the pinned version answer to cases.py.

Needs npm and a network. What it writes is committed, so that tests need neither.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from dashboards.golden.cases import cases  # noqa: E402
from dashboards.schema.generate import version  # noqa: E402

BESIDES: Final = ("react@18.3.1", "react-dom@18.3.1", "jsdom@24.1.3")


def answered(folder: Path) -> list[object]:
    """The answers, made in this folder."""
    packages = (f"@grafana/data@{version()}", *BESIDES)
    (folder / "package.json").write_text("{}")
    npm = ["npm", "install", "--silent", "--no-save", "--no-package-lock", "--ignore-scripts", *packages]
    subprocess.run(npm, cwd=folder, check=True)
    shutil.copy(HERE / "answers.cjs", folder)
    asked = json.dumps(list(cases()))
    node = [str(shutil.which("node")), "answers.cjs"]
    done = subprocess.run(node, cwd=folder, input=asked, check=True, capture_output=True, text=True)
    return list(json.loads(done.stdout))


def main() -> int:
    """Write each case beside its answer, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        found = answered(Path(folder))
    lines = [json.dumps([case, answer], ensure_ascii=False) for case, answer in zip(cases(), found, strict=True)]
    head = json.dumps({"of": f"@grafana/data@{version()}"})
    (HERE / "grafana.jsonl").write_text("\n".join([head, *lines]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
