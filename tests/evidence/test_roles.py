"""Who may see what, on the secured stack: a reader of metadata verifies without contents, an auditor with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence.conftest import Ended
from evidence.ledger import Chain, Ledger
from evidence.signing import Key
from native.stack import Stack
from throughline.cli.application import application
from throughline.store import connect
from typer.testing import CliRunner

pytestmark = pytest.mark.stack


@pytest.fixture
def told(secure_stack: Stack) -> dict[str, str]:
    """Addresses, certificates and the files of keys."""
    return {**secure_stack.addresses, **secure_stack.supervisor.parts["templates"].environment}


@pytest.fixture
def stored(told: dict[str, str], tmp_path: Path, key: Key) -> Iterator[Ledger]:
    with connect(told, operator=True) as client:
        ledger = Ledger(client, tmp_path / "anchor", uuid.uuid4().hex)
        ledger.write(Chain(key).fill(12))
        yield ledger
        ledger.remove()


def verify(told: dict[str, str], keys: Path, ledger: Ledger, role: str, *options: str) -> Ended:
    file = told[f"THROUGHLINE_{role.upper()}_API_KEY_FILE"]
    named = ("--namespace", ledger.namespace, "--keys", str(keys), "--anchor", ledger.anchor.as_uri())
    environment = {**told, "ELASTICSEARCH_API_KEY_FILE": file, "ELASTICSEARCH_PASSWORD_FILE": ""}
    ended = CliRunner().invoke(application, ("verify", "--json", *named, *options), env=environment)
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def test_each_role_verifies_what_it_may_see(told: dict[str, str], keys: Path, stored: Ledger) -> None:
    refused = verify(told, keys, stored, "reader")
    assert (refused.code, "--metadata-only" in refused.err) == (3, True)  # not: all content is missing
    read = verify(told, keys, stored, "reader", "--metadata-only")
    assert (read.code, read.whole["proven"], read.whole["contents"]) == (0, 12, 0)
    whole = verify(told, keys, stored, "auditor")
    assert (whole.code, whole.whole["proven"], whole.whole["contents"]) == (0, 12, 12)
    unable = verify(told, keys, stored, "writer")
    assert (unable.code, unable.out) == (3, "")
