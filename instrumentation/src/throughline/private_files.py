"""Files that hold secrets: whole or not there at all, and closed to others; it knows no secret's form."""

import os
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make it for its owner alone; one that is there stays as open as it is."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """For the owner, and for the group where it may read the folder: so containers of other accounts share a volume."""
    private_folder(path.parent)
    mode = 0o600 | (path.parent.stat().st_mode & 0o040)
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    draft.replace(path)
