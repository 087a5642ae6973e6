"""A record's link: plain values, salted digests, and the same digest from what was written down and read back."""

from __future__ import annotations

import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from throughline import names
from throughline.records import proof
from throughline.records.chain import Chain, linked, plain

RESOURCE = {"service.name": "s", "host.name": "h", "process.pid": 4}


def stored(payload: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document as Elasticsearch would return it, and the content that lies apart from it."""
    found = json.loads(payload)
    apart = {*proof.CONTENT, proof.CONTENT_SALT}
    content = {name: value for name, value in found["attributes"].items() if name in apart}
    attributes = {name: value for name, value in found["attributes"].items() if name not in apart}
    document = {
        "attributes": attributes,
        "event_name": found["event"],
        "resource": {"attributes": RESOURCE},
        "span_id": found["span"],
        "trace_id": found["trace"],
    }
    return document, content


def holds(document: dict[str, Any], content: dict[str, Any]) -> None:
    """Every digest is that of what is there."""
    attributes = document["attributes"]
    previous = bytes.fromhex(attributes[names.CHAIN_PREVIOUS])
    assert proof.digest(previous, proof.body(document)).hex() == attributes[names.CHAIN_DIGEST]
    salted = dict(each.rsplit(":", 1) for each in attributes[names.CHAIN_SALTED])
    for values, salt, whose in (
        (attributes, attributes.get(names.CHAIN_SALT), proof.IDENTITIES),
        (content, content.get(names.CONTENT_SALT), proof.CONTENT),
    ):
        for name in set(whose) & values.keys():
            assert proof.salted(bytes.fromhex(salt), name, values[name]) == salted.pop(name)
    assert not salted


def test_records_are_linked_and_hold() -> None:
    chain, previous = Chain(RESOURCE), proof.GENESIS
    for sequence in range(3):
        prepared = chain.prepared(
            "an.event", {"user.id": "ada", "gen_ai.request.model": "m", "gone": None}, 17 + sequence, 1, 2
        )
        digest, payload = linked(prepared, sequence, previous)
        document, content = stored(payload)
        holds(document, content)
        attributes = document["attributes"]
        assert content == {}
        assert attributes[names.CHAIN_ID] == chain.id
        assert attributes[names.CHAIN_SEQUENCE] == sequence
        assert attributes[names.CHAIN_PREVIOUS] == previous.hex()
        assert attributes[names.CHAIN_DIGEST] == digest.hex()
        assert attributes[names.RECORD_TIME_UNIX_NANO] == json.loads(payload)["time"] == 17 + sequence
        assert len(attributes[names.RECORD_ID]) == 48
        assert (document["trace_id"], document["span_id"]) == (f"{1:032x}", f"{2:016x}")
        assert "gone" not in attributes
        previous = digest


def test_what_may_be_erased_is_in_the_body_as_salted_digest_only() -> None:
    said = [{"role": "user", "parts": [{"type": "text", "content": "the patient is Ana Silva"}]}]
    prepared = Chain(RESOURCE).prepared("e", {"user.id": "otto", "gen_ai.input.messages": said}, 1, 0, 0)
    assert "Ana" not in "".join(prepared.body)
    assert "otto" not in "".join(prepared.body)
    document, content = stored(linked(prepared, 0, proof.GENESIS)[1])
    assert content["gen_ai.input.messages"] == said
    assert content[names.CONTENT_SALT] != document["attributes"][names.CHAIN_SALT]
    assert (document["trace_id"], document["span_id"]) == ("", "")
    holds(document, content)
    again = stored(linked(Chain(RESOURCE).prepared("e", {"user.id": "ada"}, 1, 0, 0), 0, proof.GENESIS)[1])[0]
    digests = {each for record in (document, again) for each in record["attributes"][names.CHAIN_SALTED]}
    assert len([each for each in digests if each.startswith("user.id:")]) == 2  # a salt for each record


@pytest.mark.parametrize(
    "altered",
    [
        {"gen_ai.request.model": "another"},
        {"gen_ai.request.model": None},
        {"added": 1},
        {names.CHAIN_SEQUENCE: 1},
        {names.CHAIN_ID: "0" * 32},
        {names.CHAIN_PREVIOUS: "11" * 32},
        {names.CHAIN_SALTED: []},
        {names.RECORD_TIME_UNIX_NANO: 2},
    ],
)
def test_whatever_is_altered_shows(altered: dict[str, Any]) -> None:
    prepared = Chain(RESOURCE).prepared("e", {"user.id": "ada", "gen_ai.request.model": "m"}, 1, 0, 0)
    digest, payload = linked(prepared, 0, proof.GENESIS)
    document, _ = stored(payload)
    attributes = {key: value for key, value in (document["attributes"] | altered).items() if value is not None}
    previous = bytes.fromhex(attributes[names.CHAIN_PREVIOUS])
    assert proof.digest(previous, proof.body({**document, "attributes": attributes})) != digest


class Word(str, enum.Enum):  # noqa: UP042 - str() of a StrEnum is its value, and of this one is not
    A = "a"


class Number(enum.IntEnum):
    ONE = 1


class Odd:
    def __str__(self) -> str:
        return "odd \udc80"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ("half \ud83d", "half \ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ({"\udc00": 1}, {"\ufffd": 1}),
        ([math.nan, math.inf, -math.inf], ["nan", "inf", "-inf"]),
        ({1: 2, None: 3, Word.A: Word.A}, {"1": 2, "None": 3, "a": "a"}),
        ([Number.ONE, True], [1, True]),
        ([b"\x00\xff", bytearray(b"\x01")], ["AP8=", "AQ=="]),
        ([2**63 - 1, 2**63, -(2**63) - 1], [2**63 - 1, "9223372036854775808", "-9223372036854775809"]),
        pytest.param(10**5_000, hex(10**5_000), id="huge"),  # Python refuses to write it in base 10
        (Odd(), "odd \ufffd"),
        (frozenset({1}), [1]),
        ({"deep": None}, {"deep": None}),
    ],
)
def test_values_are_made_plain(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert repr(found) == repr(expected)  # 1 == True == 1.0


def test_what_is_too_deep_is_text() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = {"a": [deep]}
    found, depth = plain(deep), 0
    while not isinstance(found, str):
        found, depth = (found["a"] if isinstance(found, dict) else found[0]), depth + 1
    assert depth == 33
    holds(
        *stored(linked(Chain(RESOURCE).prepared("e", {"gen_ai.tool.call.arguments": deep}, 1, 0, 0), 0, bytes(32))[1])
    )


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters()) | st.integers(), inner, max_size=5)
    ),
    max_leaves=20,
)
NAMED = st.sampled_from(["a.b", "user.id", "session.id", "gen_ai.input.messages", "exception.message", "\u00fc"])


@settings(max_examples=1_000, deadline=None)
@given(st.dictionaries(NAMED, ODD, max_size=5))
def test_whatever_is_recorded_holds_when_it_is_read_back(attributes: dict[str, Any]) -> None:
    prepared = Chain(RESOURCE).prepared("e", attributes, 1, 1, 1)
    document, content = stored(linked(prepared, 0, proof.GENESIS)[1])
    assert plain(attributes) == plain(plain(attributes))
    holds(document, content)
