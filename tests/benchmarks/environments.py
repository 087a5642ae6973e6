"""One virtual environment for each tracer, from its hash-pinned requirements. Not the project's own environment."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_UV = ROOT / ".parts" / "uv" / "bin" / "uv"
_ENVIRONMENTS = ROOT / ".parts" / "benchmarks"


def python_of(name: str, project: Path | None = None) -> Path:
    """The interpreter of `name`'s environment, made if it is missing or its requirements have changed."""
    folder, requirements = _ENVIRONMENTS / name, HERE / "requirements" / f"{name}.txt"
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return python
    _uv("venv", "--allow-existing", "--python", "python3", str(folder))
    _uv("pip", "sync", "--require-hashes", "--python", str(python), str(requirements))
    if project is not None:
        _uv("pip", "install", "--no-deps", "--editable", str(project), "--python", str(python))
    stamp.write_text(digest)
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([str(_UV), "--quiet", *arguments], check=True, cwd=ROOT)
