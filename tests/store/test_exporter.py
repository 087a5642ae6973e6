"""The same oddities through the real Collector: its exporter's documents fit the templates, and no record is lost."""

from __future__ import annotations

import math
import time
import uuid
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from store.arriving import all_arrived, arrived
from store.sending import START, Send, SendAll
from throughline import names
from throughline.records import proof
from throughline.store.mappings import DELIVERY_DELAY

RECORDS = "logs-genai.record.otel-default"
CONTENTS = "logs-genai.content.otel-default"
EVALUATIONS = "logs-genai.evaluation.otel-default"

pytestmark = pytest.mark.stack


ODD = {
    "arguments": {"": 1, "a..b": [[], {}, None], "nested": {"deep": [{"deeper": [1.5, True, "x"]}]}},
    "text": '{"city": "Paris"}',
    "numbers": [1, 2.5, -(2**63), math.pi],
    "huge": "ü" * 100_000,
    "empty": {},
    "control": "\u0000\u0007\u2028\U0001f600",
}


@pytest.mark.parametrize("name", ODD)
def test_a_record_arrives_under_its_id_as_it_was(client: Elasticsearch, send: Send, name: str) -> None:
    messages = [{"role": "assistant", "parts": [{"type": "tool_call", "arguments": ODD[name]}]}]
    identity = send(names.CLIENT_INFERENCE_OPERATION_DETAILS, gen_ai__input__messages=messages)
    content = arrived(client, CONTENTS, identity)["attributes"]
    assert content == {names.INPUT_MESSAGES: messages, names.RECORD_ID: identity}
    assert arrived(client, RECORDS, identity)["attributes"] == {names.RECORD_ID: identity}


def test_an_evaluation_arrives_in_its_own_stream(client: Elasticsearch, send: Send) -> None:
    identity = send(names.EVALUATION_RESULT, gen_ai__evaluation__name="relevance", gen_ai__evaluation__score__value=0.5)
    document = arrived(client, EVALUATIONS, identity)
    assert document["trace_id"] == "01" * 16
    query = {"range": {f"attributes.{names.EVALUATION_SCORE_VALUE}": {"gte": 0.5}}}
    found = client.search(index=EVALUATIONS, query={"bool": {"must": [query, {"ids": {"values": [identity]}}]}})
    assert found["hits"]["total"]["value"] == 1


def nested(levels: int) -> Any:
    value: Any = [None, "bottom"]
    for level in range(levels):
        value = {"": value} if level % 2 else {"down.": value, "none": None}
    return value


EXACTLY = {
    "none": [None, {"a": None}, [None, [None]]],
    "empty": [[], {}, "", [[]], {"a": {}, "b": [], "c": ""}],
    "integers": [0, -1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)],
    "floats": [0.0, -0.0, 1.0, -1.5, 1e-7, 1.5e-05, 1e-6, 1e20, 1e21, 1e22, 1e16, 2.0**53, 2.0**60, 1e300, 5e-324],
    "scores": [0.1, 0.4111111111111111, -5.5555555555554444, 123.378282246310005, 0.30000000000000004],
    "booleans": [True, False],
    "keys": {"a.b": 1, "a": {"b": 2}, "": 3, " ": 4, ".": 5, "a..b": 6, "\u20ac": 7, "\U0001f600": 8, "\n": 9, '"': 10},
    "controls": ["\u0000\u0001\u001f\u007f\u0080", "\u2028\u2029", "</script>&<>", '"\\/'],
    "characters": ["\ud7ff\ue000\uffff", "\U0001f600\U0010ffff", {"\\": "e\u0301", "e\u0301": "\u00e9"}],
    "deep": nested(20),
    "looks like JSON": '{"a": [1.0, 1e5]}',
}
FLAT = {
    "text": "\u0000 \U0001f600 \u2028 <&> 1.0",
    "empty": "",
    "integer": 2**63 - 1,
    "negative": -(2**63),
    "whole": 1.0,
    "large": 1e22,
    "small": 1e-7,
    "true": True,
    "false": False,
    "list": ["b", "a", "", "\U0001f600"],
    "empty list": [],
    "not.a.map": "x",
    "not.a": "y",
}


def test_what_is_digested_comes_back_in_the_same_canonical_form(client: Elasticsearch, send_all: SendAll) -> None:
    """Structured content and flat attributes, of the kinds a record has and at their edges."""
    sent: dict[str, dict[str, Any]] = {}
    for name, value in EXACTLY.items():
        content = {names.INPUT_MESSAGES: value, names.TOOL_CALL_RESULT: {name: value}}
        sent[uuid.uuid4().hex] = {**content, f"app.{name}": name, **FLAT}
    send_all(sent)
    records = all_arrived(client, RECORDS, list(sent))
    contents = all_arrived(client, CONTENTS, list(sent))
    for identity, attributes in sent.items():
        came = {**records[identity]["attributes"], **contents[identity]["attributes"]}
        assert proof.canonical(came) == proof.canonical({names.RECORD_ID: identity, **attributes})
        assert not records[identity]["attributes"].keys() & set(proof.CONTENT)


def is_no_card(number: float) -> bool:
    """Whole numbers of 15 and 16 digits may be cards, and those in content are masked as such on their way."""
    return number != int(number) or len(str(abs(int(number)))) not in (15, 16)


INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1).filter(is_no_card)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).filter(is_no_card)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
PLAIN = st.booleans() | INTEGERS | NUMBERS | TEXTS | st.lists(TEXTS, max_size=4)


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],  # each example waits for Elasticsearch
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(VALUES, PLAIN), min_size=40, max_size=80))
def test_whatever_is_digested_comes_back_so(
    client: Elasticsearch, send_all: SendAll, values: list[tuple[Any, Any]]
) -> None:
    sent = {uuid.uuid4().hex: {names.OUTPUT_MESSAGES: content, "app.value": plain} for content, plain in values}
    send_all(sent)
    records, contents = (all_arrived(client, stream, list(sent)) for stream in (RECORDS, CONTENTS))
    for identity, attributes in sent.items():
        came = {**records[identity]["attributes"], **contents[identity]["attributes"]}
        assert proof.canonical(came) == proof.canonical({names.RECORD_ID: identity, **attributes})


def test_the_proof_itself_arrives_whole_and_verifies(client: Elasticsearch, send: Send) -> None:
    """Digest and salted digests computed here are those of what Elasticsearch returns, record and content together."""
    salt, identity = "0f" * 16, {"user.id": "4111111111111111"}
    content = {names.INPUT_MESSAGES: EXACTLY["floats"], names.EXCEPTION_MESSAGE: "no such model"}
    erasable = {**content, **identity}
    salted = [f"{name}:{proof.salted(bytes.fromhex(salt), name, value)}" for name, value in erasable.items()]
    attributes = {
        names.CHAIN_ID: "4" * 32,
        names.CHAIN_SEQUENCE: 7,
        names.CHAIN_PREVIOUS: "0" * 64,
        names.CHAIN_SALT: salt,
        names.CONTENT_SALT: salt,
        names.CHAIN_SALTED: salted,
        names.RECORD_TIME_UNIX_NANO: START,
        names.DURATION: 1.0,
        **identity,
        **content,
    }
    document = {"attributes": attributes, "event_name": names.CLIENT_INFERENCE_OPERATION_DETAILS}
    document |= {"trace_id": "01" * 16, "span_id": "02" * 8}
    record_id = send(document["event_name"], **attributes)
    attributes[names.RECORD_ID] = record_id
    stored, apart = arrived(client, RECORDS, record_id), arrived(client, CONTENTS, record_id)
    assert proof.body(stored) == proof.body(document)
    assert apart["attributes"].keys() == {
        names.RECORD_ID, names.CHAIN_ID, names.CHAIN_SEQUENCE, names.CONTENT_SALT, *content
    }  # fmt: skip
    came = apart["attributes"]
    for name in content:
        digest = proof.salted(bytes.fromhex(came[names.CONTENT_SALT]), name, came[name])
        assert f"{name}:{digest}" in stored["attributes"][names.CHAIN_SALTED]
    for shared in ("@timestamp", "trace_id", "span_id", "event_name", "resource"):
        assert apart[shared] == stored[shared]


def test_a_record_is_told_when_it_was_handed_over(client: Elasticsearch, send: Send) -> None:
    """So that the store knows how long it took; here since a time that every record of these tests has."""
    before = time.time()
    identity = send(names.CLIENT_INFERENCE_OPERATION_DETAILS)
    document = arrived(client, RECORDS, identity)
    delivered = float(document["observed_timestamp"]) / 1000
    assert before - 0.01 <= delivered <= time.time()
    query = {"ids": {"values": [identity]}}
    (hit,) = client.search(index=RECORDS, query=query, fields=[DELIVERY_DELAY])["hits"]["hits"]
    assert hit["fields"][DELIVERY_DELAY] == [pytest.approx(delivered - START / 1e9, abs=0.01)]
