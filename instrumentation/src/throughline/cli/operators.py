"""Who opens or erases, why, and with which key he signs it: options and wording that both commands share."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from throughline.cli.failures import bad_input, unreachable
from throughline.records.audit import Audit, UnheardError
from throughline.records.keys import Purpose, SigningKey, public_bytes, read_key_list, read_private_key
from throughline.settings import KEY_LIST

OPERATOR_KEY: Final = "THROUGHLINE_OPERATOR_KEY_FILE"
HEARD_SECONDS: Final = 15.0
CLOSED_SECONDS: Final = 5.0

Reason = Annotated[str, typer.Option(help="Why: it stays in the audit trail, so it must not name whom it is about.")]
Actor = Annotated[str, typer.Option(help="Who you are, beside the name of your login.", show_default=False)]
OperatorKey = Annotated[
    Path,
    typer.Option(
        envvar=OPERATOR_KEY,
        help="Your private key, which signs what you do: `throughline keys new --purpose operator`.",
    ),
]


def actor_of(claimed: str) -> str:
    """The login and machine; what somebody says of himself stands before it."""
    login = f"{getpass.getuser()} on {socket.gethostname()}"
    return f"{claimed.strip()} ({login})" if claimed.strip() else login


def public_keys(key: Path, variables: Mapping[str, str]) -> list[bytes]:
    """Of all operators who are known: of the one with this private key, which must sign, and of those on the list."""
    try:
        SigningKey(key)
        listed = read_key_list(Path(path)) if (path := variables.get(KEY_LIST, "").strip()) else []
    except ValueError as error:
        raise bad_input(str(error), f"see --operator-key, or {OPERATOR_KEY}, and {KEY_LIST}") from None
    others = [entry.public for entry in listed if entry.purpose is Purpose.OPERATOR]
    return [public_bytes(read_private_key(key)), *others]


@contextmanager
def audited(variables: Mapping[str, str], key: Path, actor: str, reason: str) -> Iterator[Audit]:
    """The operator's own chain of records, closed and signed at the end."""
    if not reason.strip():
        raise bad_input("--reason is empty", "say in a few words why")
    try:
        audit = Audit(variables, key, actor_of(actor), reason.strip())
    except (ValueError, OSError) as error:
        raise bad_input(str(error), f"see --operator-key, or {OPERATOR_KEY}, and the settings of the spool") from None
    patience = CLOSED_SECONDS
    try:
        yield audit
    except UnheardError:
        patience = 0.0
        where = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "its default address")
        raise unreachable(
            f"the Collector at {where} did not acknowledge the audit record, so nothing was done",
            "is it running, and is OTEL_EXPORTER_OTLP_ENDPOINT right? see `throughline doctor`",
        ) from None
    finally:
        audit.close(patience)
