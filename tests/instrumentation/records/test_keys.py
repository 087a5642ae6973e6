"""Private keys in files: read, exchanged under a running process, and never quoted in what is said about them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from throughline.records import keys, proof
from throughline.records.keys import Purpose, SigningKey, read_key_list, write_key_list

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def write(path: Path, purpose: Purpose = Purpose.SIGNING) -> keys.PrivateKey:
    key = keys.new_private_key(purpose)
    path.write_bytes(keys.private_pem(key))
    return key


def test_what_a_key_signs_is_proved_by_its_public_part(tmp_path: Path) -> None:
    key = write(tmp_path / "own.pem")
    signed = SigningKey(tmp_path / "own.pem").signed({"chain": "c", "sequence": 1})
    public = keys.public_bytes(key)
    assert signed["key"] == proof.key_id(public)
    assert proof.signed_by(public, signed)


def test_a_key_that_was_exchanged_signs_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    first = write(path)
    running = SigningKey(path)
    assert running.signed({})["key"] == proof.key_id(keys.public_bytes(first))
    second = keys.new_private_key(Purpose.SIGNING)
    keys.replace_file(path, keys.private_pem(second), mode=0o600)
    assert running.signed({})["key"] == proof.key_id(keys.public_bytes(second))


@pytest.mark.complains
@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_a_key_that_became_unreadable_is_used_further_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    path = tmp_path / "own.pem"
    key = write(path)
    running = SigningKey(path)
    path.write_text("half a secret") if how == "damaged" else path.unlink()
    assert {running.signed({})["key"] for _ in range(3)} == {proof.key_id(keys.public_bytes(key))}
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
    write(path)
    assert running.signed({})["key"] != proof.key_id(keys.public_bytes(key))


def test_files_that_hold_no_signing_key_are_refused_without_being_quoted(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    for content in (b"a secret", b"-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="no private key") as raised:
            SigningKey(path)
        assert "secret" not in str(raised.value)
    curve = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="no private key"):
        SigningKey(path)
    key = keys.new_private_key(Purpose.SIGNING)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(ValueError, match="without a passphrase"):
        SigningKey(path)
    write(path, Purpose.SEALING)
    with pytest.raises(ValueError, match="seals"):
        SigningKey(path)
    with pytest.raises(ValueError, match="No such file"):
        SigningKey(tmp_path / "none.pem")


def entry(purpose: Purpose = Purpose.SIGNING) -> keys.ListedKey:
    return keys.listed(keys.new_private_key(purpose), purpose, "desk", NOW)


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, second = entry(), entry(Purpose.SEALING)
    known = keys.ended([first, second], first.id, NOW + timedelta(hours=1))
    write_key_list(path, known)
    assert read_key_list(path) == known
    assert [key.is_valid_at(NOW + timedelta(minutes=61)) for key in known] == [False, True]
    assert [key.is_valid_at(NOW) for key in known] == [True, True]
    assert not any(key.is_valid_at(NOW - timedelta(seconds=1)) for key in known)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "0" * 16},
        {"public": "AAAA"},
        {"public": "no base64"},
        {"purpose": "other"},
        {"from": "2026-11-26T12:00:00"},
        {"until": "soon"},
        {"from": None},
    ],
)
def test_an_entry_that_is_odd_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"version": 1, "keys": [entry().as_json(), {**entry().as_json(), **change}]}))
    with pytest.raises(ValueError, match="entry 2"):
        read_key_list(path)


def test_a_list_with_a_key_twice_or_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    own = entry().as_json()
    for content in ({"version": 1, "keys": [own, own]}, {"version": 2, "keys": []}, [], {"version": 1}):
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match="key list"):
            read_key_list(path)
    assert base64.b64decode(own["public"])
