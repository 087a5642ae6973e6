"""Keys as a person makes and rotates them: private files, a list that verifiers read, and no key ever overwritten."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Run
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from throughline.records import proof
from throughline.records.checkpoints import statement
from throughline.records.keys import SigningKey


def listed(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text())
    assert content["version"] == 1
    return list(content["keys"])


@pytest.mark.parametrize("purpose", ["signing", "operator"])
def test_a_new_key_is_private_and_published(run: Run, tmp_path: Path, purpose: str) -> None:
    ended = run("keys", "new", "--purpose", purpose, "--private", "own.pem", "--list", "keys.json", "--owner", "desk")
    assert ended.code == 0, ended.err
    private = load_pem_private_key((tmp_path / "own.pem").read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    public = private.public_key().public_bytes_raw()
    (entry,) = listed(tmp_path / "keys.json")
    assert {**entry, "from": ""} == {
        "id": proof.key_id(public),
        "purpose": purpose,
        "public": base64.b64encode(public).decode(),
        "from": "",
        "until": None,
        "owner": "desk",
    }
    assert (tmp_path / "own.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o644
    assert "PRIVATE" not in ended.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys.json", "own.pem"]


def test_a_sealing_key_has_a_public_file_for_the_application(run: Run, tmp_path: Path) -> None:
    ended = run("keys", "new", "--purpose", "sealing", "--private", "auditor.pem", "--list", "keys.json")
    assert "THROUGHLINE_SEAL_FOR_FILE=auditor.pub.pem" in ended.out
    private = load_pem_private_key((tmp_path / "auditor.pem").read_bytes(), None)
    public = load_pem_public_key((tmp_path / "auditor.pub.pem").read_bytes())
    assert isinstance(private, X25519PrivateKey)
    assert isinstance(public, X25519PublicKey)
    assert private.public_key().public_bytes_raw() == public.public_bytes_raw()


def test_a_rotation_ends_one_key_and_begins_another_under_a_running_process(run: Run, tmp_path: Path) -> None:
    run("keys", "new", "--purpose", "signing", "--private", "own.pem", "--list", "keys.json", "--owner", "desk")
    running = SigningKey(tmp_path / "own.pem")
    before = statement(running, "opened", "c" * 32, -1, proof.GENESIS, "s")
    ended = run("keys", "rotate", "own.pem", "--list", "keys.json", "--overlap", "10m", "--json")
    assert ended.code == 0, ended.err
    after = statement(running, "interval", "c" * 32, 3, bytes(32), "s")
    old, new = listed(tmp_path / "keys.json")
    assert (before["key"], after["key"]) == (old["id"], new["id"])
    assert ended.lines[0]["id"] == new["id"]
    for entry, signed in ((old, before), (new, after)):
        assert proof.signed_by(base64.b64decode(entry["public"]), signed)
    assert (old["until"] > new["from"], new["until"], new["owner"]) == (True, None, "desk")
    kept = load_pem_private_key((tmp_path / f"own.{old['id']}.pem").read_bytes(), None)
    assert isinstance(kept, Ed25519PrivateKey)
    assert proof.key_id(kept.public_key().public_bytes_raw()) == old["id"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("own*.pem")} == {0o600}


def test_a_second_rotation_leaves_the_first_end_alone(run: Run, tmp_path: Path) -> None:
    run("keys", "new", "--purpose", "sealing", "--private", "own.pem", "--list", "keys.json")
    run("keys", "rotate", "own.pem", "--list", "keys.json", "--overlap", "0s")
    first = listed(tmp_path / "keys.json")[0]
    run("keys", "rotate", "own.pem", "--list", "keys.json")
    keys = listed(tmp_path / "keys.json")
    assert keys[0] == first
    assert [key["until"] is None for key in keys] == [False, False, True]
    public = load_pem_public_key((tmp_path / "own.pub.pem").read_bytes())
    assert isinstance(public, X25519PublicKey)
    assert base64.b64decode(keys[2]["public"]) == public.public_bytes_raw()


def test_the_list_is_shown_with_the_state_of_each_key(run: Run, tmp_path: Path) -> None:
    run("keys", "new", "--purpose", "signing", "--private", "a.pem", "--list", "keys.json", "--owner", "\x1b[31mdesk")
    run("keys", "rotate", "a.pem", "--list", "keys.json", "--overlap", "0s")
    run("keys", "new", "--purpose", "operator", "--private", "b.pem", THROUGHLINE_KEY_LIST="keys.json")
    shown = run("keys", "list", "--list", "keys.json")
    assert [line.split()[1:3] for line in shown.out.splitlines()[1:]] == [
        ["signing", "ended"],
        ["signing", "valid"],
        ["operator", "valid"],
    ]
    assert "\x1b[31m" not in shown.out
    assert run("keys", "list", "--json", THROUGHLINE_KEY_LIST="keys.json").lines == listed(tmp_path / "keys.json")


def test_no_private_key_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("something else")
    ended = run("keys", "new", "--purpose", "signing", "--private", "own.pem", "--list", "keys.json")
    assert (ended.code, (tmp_path / "own.pem").read_text()) == (2, "something else")
    assert "keys rotate" in ended.err
    assert not (tmp_path / "keys.json").exists()


def test_a_key_that_cannot_be_published_is_not_left_behind(run: Run, tmp_path: Path) -> None:
    ended = run("keys", "new", "--purpose", "signing", "--private", "own.pem", "--list", "none/keys.json")
    assert (ended.code, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--list", "none.json"), "No such file"),
        (("list", "--list", "odd.json"), '"version": 1'),
        (("list", "--list", "wrong.json"), "entry 1"),
        (("rotate", "none.pem", "--list", "keys.json"), "No such file"),
        (("rotate", "odd.json", "--list", "keys.json"), "no private key"),
        (("rotate", "own.pem", "--list", "empty.json"), "not in empty.json"),
        (("rotate", "own.pem", "--list", "keys.json", "--overlap", "soon"), "no span of time"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_do(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    run("keys", "new", "--purpose", "signing", "--private", "own.pem", "--list", "keys.json")
    (tmp_path / "odd.json").write_text('["a secret"]')
    (tmp_path / "wrong.json").write_text('{"version": 1, "keys": [{"id": "a secret"}]}')
    (tmp_path / "empty.json").write_text('{"version": 1, "keys": []}')
    before = (tmp_path / "keys.json").read_text()
    ended = run("keys", *arguments)
    assert ended.code in (1, 2)
    assert said in ended.err
    assert "next:" in ended.err
    assert "secret" not in ended.err
    assert (tmp_path / "keys.json").read_text() == before
