"""Generates the Python stubs of the gRPC contracts; `--check` only says whether the committed ones are up to date."""

import argparse
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).parent
SOURCE = PROTO.parent / "src"
PACKAGE = Path("throughline_services") / "stubs"


def generate(target: Path) -> None:
    """The virtual folder makes the stubs import each other by their place in the package."""
    arguments = [
        "protoc",
        f"-I{PACKAGE}={PROTO}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--python_out={target}",
        f"--pyi_out={target}",
        f"--grpc_python_out={target}",
        *(str(PROTO / contract.name) for contract in sorted(PROTO.glob("*.proto"))),
    ]
    if protoc.main(arguments) != 0:
        sys.exit("protoc refused the contracts; see its message above")


def stubs(root: Path) -> dict[str, bytes]:
    """File name to content of every generated module."""
    return {path.name: path.read_bytes() for path in sorted((root / PACKAGE).glob("*_pb2*.py*"))}


def stale() -> list[str]:
    """Names of committed stubs that differ from what the contracts generate now, or are missing or left over."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / PACKAGE).mkdir(parents=True)
        generate(Path(scratch))
        fresh, committed = stubs(Path(scratch)), stubs(SOURCE)
    return sorted(name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the stubs are out of date")
    if not parser.parse_args().check:
        for path in (SOURCE / PACKAGE).glob("*_pb2*.py*"):
            path.unlink()
        return generate(SOURCE)
    if outdated := stale():
        sys.exit(f"stubs out of date: {', '.join(outdated)}; run `make proto`")
    return None


if __name__ == "__main__":
    main()
