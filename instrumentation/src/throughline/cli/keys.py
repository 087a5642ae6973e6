"""`throughline keys`: makes, lists and rotates keys and publishes them in the key list; it signs and opens nothing."""

import getpass
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from throughline.cli import wording
from throughline.cli.failures import CommandError, bad_input, not_found, reported
from throughline.cli.options import Json, write_json
from throughline.records import keys
from throughline.records.keys import ListedKey, PrivateKey, Purpose
from throughline.settings import KEY_LIST

EXAMPLES: Final = (
    "Examples: throughline keys new --purpose signing --private signing.pem --list keys.json --owner 'the help desk' · "
    "throughline keys rotate signing.pem --list keys.json · throughline keys list --list keys.json"
)
_AGE: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Make, list and rotate the keys that sign checkpoints, seal content and sign what people open and erase.\n\n"
    "A private key stays with who uses it: the signing key with the application (THROUGHLINE_SIGNING_KEY_FILE), the "
    "sealing key with the auditor, an operator's key with him. The key list holds public keys only; give it to "
    "whoever verifies, and keep it where the application cannot write.",
    epilog=EXAMPLES,
)

Purposes = Annotated[
    Purpose,
    typer.Option(
        "--purpose",
        help="[b]signing[/]: a service signs how far its records have come. [b]sealing[/]: an auditor opens "
        "content that was sealed for him. [b]operator[/]: a person signs what he opened or erased.",
    ),
]
List = Annotated[
    Path,
    typer.Option("--list", envvar=KEY_LIST, help="The key list, a JSON file of public keys; made where there is none."),
]
Overlap = Annotated[
    str, typer.Option(help="How long the old key stays valid, so that every process can get the new one: 90s, 10m, 1h.")
]
Owner = Annotated[str, typer.Option(help="Whose key it is, as verifiers shall read it.", show_default="who you are")]


@group.command(epilog=EXAMPLES)
@reported()
def new(
    purpose: Purposes,
    private: Annotated[Path, typer.Option(help="Where the private key goes: a new file for its owner alone.")],
    list_file: List,
    owner: Owner = "",
    json: Json = False,
) -> None:
    """Make a key: the private part into a file of its own, the public part into the key list, valid from now on.

    Of a sealing key, the public part is also written beside the private one, as NAME.pub.pem: that file is what
    THROUGHLINE_SEAL_FOR_FILE names, and all that an application needs to seal.
    """
    known = _known(list_file, may_be_missing=True)
    key = _made(purpose)
    entry = keys.listed(key, purpose, owner or getpass.getuser(), _now())
    _write_private(private, key)
    try:
        _publish(list_file, [*known, entry])
    except CommandError:
        private.unlink()  # nobody would ever believe what it signs
        raise
    if purpose is Purpose.SEALING:
        _write(_public_file(private), keys.public_pem(key), 0o644)
    _say(entry, private, list_file, json=json)


@group.command("list", epilog=EXAMPLES)
@reported()
def list_keys(list_file: List, json: Json = False) -> None:
    """Show the key list: which keys there are, what for, whose, and from when until when each is valid."""
    known = _known(list_file)
    if json:
        for key in known:
            write_json(key.as_json())
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("id", "purpose", "state", "from", "until", "owner"):
        table.add_column(heading, overflow="fold")
    for key in known:
        until = "further notice" if key.until is None else wording.local_time(key.until.timestamp())
        since = wording.local_time(key.since.timestamp())
        table.add_row(key.id, key.purpose, _state(key), since, until, wording.printable(key.owner))
    Console().print(table)


@group.command(epilog=EXAMPLES)
@reported()
def rotate(
    private: Annotated[Path, typer.Argument(help="The file of the private key that is to be replaced.")],
    list_file: List,
    overlap: Overlap = "1h",
    json: Json = False,
) -> None:
    """Replace a key by a new one in the same file; the old one's validity ends, what it signed stays proved.

    A process that signs reads its file again at its next checkpoint; nothing has to be restarted. The old private key
    is kept beside, as NAME.ID.pem: an auditor needs it for what was sealed to it, a signing key may be deleted. After
    a theft say [b]--overlap 0s[/].
    """
    known = _known(list_file)
    old = _read(private)
    entry = _entry_of(old, known, list_file)
    until, key = _now() + _span(overlap), _made(entry.purpose)
    kept = private.with_name(f"{private.stem}.{entry.id}{private.suffix}")
    _write_private(kept, old)
    successor = keys.listed(key, entry.purpose, entry.owner, _now())
    _publish(list_file, [*keys.ended(known, entry.id, until), successor])  # first: nothing is signed by an unknown key
    _write(private, keys.private_pem(key), 0o600)
    if entry.purpose is Purpose.SEALING:
        _write(_public_file(private), keys.public_pem(key), 0o644)
    _say(successor, private, list_file, json=json)
    if not json:
        typer.echo(f"{entry.id} is valid until {wording.local_time(until.timestamp())}; its private key is in {kept}")


def _known(path: Path, *, may_be_missing: bool = False) -> list[ListedKey]:
    if may_be_missing and not path.exists():
        return []
    try:
        return keys.read_key_list(path)
    except ValueError as error:
        advice = "name another file with --list, or make one with `throughline keys new`"
        raise bad_input(str(error), advice) from None


def _made(purpose: Purpose) -> PrivateKey:
    try:
        return keys.new_private_key(purpose)
    except ValueError as error:
        raise bad_input(str(error), "install it and run this again") from None


def _read(path: Path) -> PrivateKey:
    try:
        return keys.read_private_key(path)
    except ValueError as error:
        raise bad_input(str(error), "name the file of the private key that is in use") from None


def _entry_of(key: PrivateKey, known: list[ListedKey], list_file: Path) -> ListedKey:
    public = keys.public_bytes(key)
    for entry in known:
        if entry.public == public:
            return entry
    raise not_found(f"this key is not in {list_file}", "name the list in which it is published with --list")


def _write_private(path: Path, key: PrivateKey) -> None:
    """Into a new file: no private key is ever overwritten."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise bad_input(f"{path} is there already", "name another file, or exchange it with `keys rotate`") from None
    except OSError as error:
        raise bad_input(f"{path} cannot be written: {error.strerror}", "name a file in a folder of yours") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(keys.private_pem(key))
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        keys.replace_file(path, content, mode=mode)
    except OSError as error:
        raise bad_input(f"{path} cannot be written: {error.strerror}", "name a file in a folder of yours") from None


def _publish(path: Path, known: list[ListedKey]) -> None:
    try:
        keys.write_key_list(path, known)
    except OSError as error:
        raise bad_input(f"the key list {path} cannot be written: {error.strerror}", "name it with --list") from None


def _public_file(private: Path) -> Path:
    return private.with_name(f"{private.stem}.pub{private.suffix}")


def _span(written: str) -> timedelta:
    found = _AGE.fullmatch(written.strip().lower())
    if found is None:
        raise bad_input(f"--overlap is {written!r}, which is no span of time", "write 90s, 10m, 1h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _state(key: ListedKey) -> str:
    now = _now()
    if key.is_valid_at(now):
        return "valid" if key.until is None else "ending"
    return "ended" if key.since <= now else "not yet valid"


def _now() -> datetime:
    return datetime.now(UTC)


def _say(entry: ListedKey, private: Path, list_file: Path, *, json: bool) -> None:
    if json:
        write_json({**entry.as_json(), "private": str(private), "list": str(list_file)})
        return
    typer.echo(f"{entry.purpose} key {entry.id}: private part in {private}, published in {list_file}")
    advice = {
        Purpose.SIGNING: f"set THROUGHLINE_SIGNING_KEY_FILE={private} for the application",
        Purpose.SEALING: f"set THROUGHLINE_SEAL_FOR_FILE={_public_file(private)} for the application, "
        f"and give {private} to the auditor alone",
        Purpose.OPERATOR: "name it when you open or erase: `throughline open`, `throughline erase`",
    }[entry.purpose]
    typer.echo(f"next: {advice}")
