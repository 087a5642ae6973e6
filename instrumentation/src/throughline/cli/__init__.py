"""The `throughline` command: reads what was traced and recorded, and checks the set-up; records nothing itself."""

import sys


def main() -> None:
    """Run the command; its dependencies are the extra `cli`, which an instrumented application need not have."""
    try:
        from throughline.cli.application import application
    except ModuleNotFoundError as missing:
        sys.exit(f"throughline: {missing.name} is not installed. Next: pip install 'throughline[cli]'")
    application(prog_name="throughline")
