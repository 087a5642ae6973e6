"""The preview's command line: which boards of which stack, where to; it draws and asks nothing itself."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from throughline.cli.endpoints import STACK_FILE, Endpoints

from preview.frames import Plain
from preview.intervals import milliseconds_of
from preview.opening import Shown, boards, nothing_to_show, opened
from preview.stack import Sources

_EPILOG: Final = """\
Exit code 0 if every panel could be drawn, with data or without, 1 if one shows an error, 2 for wrong usage.
Panels without data are listed; with --missing they make 1, too. The pictures and an index.html stand in --out."""


def main(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Draw the boards that are asked for; the exit code."""
    chosen = _options(parser).parse_args(arguments)
    try:
        wanted = boards(chosen.board)
        addresses = _addresses(chosen.stack)
        milliseconds_of(chosen.since)
    except (LookupError, OSError, ValueError) as error:
        parser.error(str(error.args[0]) if isinstance(error, LookupError) else str(error))
    if chosen.missing:
        found = nothing_to_show(wanted, addresses, chosen.since, dict(chosen.set))
        print(json.dumps([dict(zip(("board", "panel", "why"), each, strict=True)) for each in found]))  # noqa: T201
        return 1 if found else 0
    return _drawn(wanted, addresses, chosen)


def _drawn(wanted: Mapping[str, Plain], addresses: Mapping[str, str], chosen: argparse.Namespace) -> int:
    from preview.page import write_page
    from preview.picture import draw  # brings matplotlib, which the list alone does without

    chosen.out.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, list[Shown]] = {}
    with Sources(addresses) as sources:
        for name, board in wanted.items():
            print(f"{name} …", end=" ", flush=True, file=sys.stderr)  # noqa: T201 - a command's progress
            panels = list(opened(board, sources, chosen.since, dict(chosen.set)))
            drawn[name] = draw(board, panels, chosen.out / f"{name}.png")
            print(f"{len(drawn[name])} panels", file=sys.stderr)  # noqa: T201
    page = write_page(chosen.out, wanted, drawn)
    return _told(drawn, page)


def _options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.description = "Draw the boards as pictures, from what a running stack answers to their queries."
    parser.epilog, parser.formatter_class = _EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--stack", type=Path, help="file of its addresses (else the environment, else .run/stack.env)")
    parser.add_argument(
        "--missing", action="store_true", help="draw nothing, only list what has nothing to show, as JSON"
    )
    parser.add_argument("--board", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--out", type=Path, default=Path(".run/preview"), help="folder of the pictures (.run/preview)")
    parser.add_argument("--since", default="1h", help="how long ago the time that is shown begins: 15m, 1h, 7d (1h)")
    parser.add_argument(
        "--set", action="append", default=[], type=_value, metavar="VARIABLE=VALUE", help="a variable's value"
    )
    return parser


def _value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"not VARIABLE=VALUE: {text}")
    return name, value


def _addresses(stack: Path | None) -> Mapping[str, str]:
    """Of the file that is named, else found as the `throughline` command does. Raises OSError where there is none."""
    if stack is None:
        found = Endpoints.find().variables
    else:
        lines = stack.read_text().splitlines() if stack.is_file() else []
        found = {**os.environ, **dict(line.split("=", 1) for line in lines if "=" in line)}
    if (stack and not stack.is_file()) or not found.get("ELASTICSEARCH_URL"):
        where = stack or f"{STACK_FILE}, and ELASTICSEARCH_URL is not set"
        raise FileNotFoundError(f"no stack runs at {where}: start one (`make stack` or `make demo`), or name --stack")
    return found


def _told(drawn: Mapping[str, Sequence[Shown]], page: Path) -> int:
    nothing = [(name, shown) for name, panels in drawn.items() for shown in panels if shown.why_nothing]
    for name, shown in nothing:
        print(f"{name}: {shown.panel.get('title')}: {shown.why_nothing}")  # noqa: T201
    print(page)  # noqa: T201
    return 1 if any(shown.error for _, shown in nothing) else 0
