"""The canonical form is that of RFC 8785, whatever the value; digests and signatures are what their definition says."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import json
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st
from throughline.records import proof

NUMBERS = st.integers(-proof.EXACT, proof.EXACT) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=3_000, deadline=None)
@given(VALUES)
@example({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "\r": 4, "1": 5})  # by UTF-16 code units, not by characters
@example([5e-324, -0.0, 1e21, 1e-7, 123456789012345680000.0, 0.000001, 333333333.33333329, 9007199254740994.0])
@example('\x7f\u2028\x1f\\"/\b\f\n\r\t')
def test_the_canonical_form_is_that_of_the_standard(value: Any) -> None:
    assert proof.canonical(value).encode() == rfc8785.dumps(value)


@settings(max_examples=2_000, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_written_as_the_standard_says(value: float) -> None:
    assert proof.canonical(value).encode() == rfc8785.dumps(value)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_what_was_stored_as_json_has_the_same_form(value: Any) -> None:
    assert proof.canonical(json.loads(json.dumps(value))) == proof.canonical(value)


def test_integers_beyond_exact_numbers_are_their_digits() -> None:
    assert proof.canonical([2**53 - 1, 2**53, -(2**53)]) == '[9007199254740991,"9007199254740992","-9007199254740992"]'


def test_subclasses_are_what_they_derive_from() -> None:
    class Word(str, enum.Enum):  # noqa: UP042 - str() of a StrEnum is its value, and of this one is not
        A = "a"

    class Number(enum.IntEnum):
        ONE = 1

    assert proof.canonical({Word.A: [Word.A, Number.ONE, (1.0,)]}) == '{"a":["a",1,[1]]}'


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), {1: 2}, b"bytes", object()])
def test_what_is_no_json_has_no_form(value: Any) -> None:
    with pytest.raises(ValueError, match=r"canonical|key"):
        proof.canonical([value])


DOCUMENT = {
    "attributes": {
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": [{"role": "user"}],
        "user.id": "ada",
        "redaction.masked.count": 3,
        "throughline.mask.second_pass": 3,
        "throughline.chain.id": "c" * 32,
        "throughline.chain.sequence": 7,
        "throughline.chain.salt": "5a" * 16,
        "throughline.chain.salted": ["user.id:2", "gen_ai.input.messages:1"],
        "throughline.content.salt": "a5" * 16,
        "throughline.record.time_unix_nano": 1_790_000_000_000_000_001,
    },
    "event_name": "an.event",
    "resource": {"attributes": {"service.name": "s", "process.pid": 4}},
    "span_id": "b" * 16,
    "trace_id": "a" * 32,
}
BODY = (
    '{"attributes":{"gen_ai.request.model":"m","throughline.record.time_unix_nano":"1790000000000000001"},'
    f'"chain":"{"c" * 32}","event":"an.event","resource":{{"service.name":"s"}},'
    '"salted":["gen_ai.input.messages:1","user.id:2"],"sequence":7,'
    f'"span":"{"b" * 16}","trace":"{"a" * 32}"}}'
)


def test_a_body_is_written_out_here_once() -> None:
    assert proof.body(DOCUMENT) == BODY
    assert rfc8785.dumps(json.loads(BODY)).decode() == BODY
    before, after = proof.around(DOCUMENT)
    assert f"{before}7{after}" == BODY


def test_a_body_without_trace_and_resource_has_them_empty() -> None:
    bare = {"attributes": {"throughline.chain.id": "c", "throughline.chain.sequence": 0}}
    expected = {"attributes": {}, "chain": "c", "event": "", "resource": {}, "salted": [], "sequence": 0}
    assert json.loads(proof.body(bare)) == {**expected, "span": "", "trace": ""}


def test_digests_are_what_their_definition_says() -> None:
    inner = hashlib.sha256(BODY.encode()).digest()
    assert proof.digest(proof.GENESIS, BODY) == hashlib.sha256(bytes(32) + inner).digest()
    mac = hmac.new(b"salt", b'user.id:"ada"', "sha256").hexdigest()
    assert proof.salted(b"salt", "user.id", "ada") == mac


def test_a_signature_holds_for_its_key_and_its_statement_only() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    statement: dict[str, Any] = {"version": 1, "chain": "c" * 32, "sequence": 3}
    signed = {**statement, "signature": base64.b64encode(key.sign(proof.statement_bytes(statement))).decode()}
    public = key.public_key().public_bytes_raw()
    assert proof.signed_by(public, signed)
    assert not proof.signed_by(other.public_key().public_bytes_raw(), signed)
    assert not proof.signed_by(public, {**signed, "sequence": 4})
    assert not proof.signed_by(public, {**signed, "signature": "no base64"})
    assert not proof.signed_by(public, statement)
    assert not proof.signed_by(b"short", signed)
    assert proof.key_id(public) == hashlib.sha256(public).hexdigest()[:16]
