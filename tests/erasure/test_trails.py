"""What is one person's, what is not, and that just this is taken: documents of every kind in a real Elasticsearch."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from elasticsearch import Elasticsearch
from throughline import names
from throughline.records import proof, streams
from throughline.records.erasing import belongings, person, remains
from throughline.records.erasing.erasure import Erasure

pytestmark = pytest.mark.stack
TIME = "1795433146990.0"
SALTS = {names.CHAIN_SALT: "00", names.CHAIN_SALTED: ["user.id:11"]}
MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": "words that nobody else would ever say"}]}]


@dataclass
class Stores:
    """Writes documents as the Collector does, under names of this test alone."""

    client: Elasticsearch
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)
    told: list[str] = field(default_factory=list)

    def put(self, dataset: str, trace: str, span: str, **more: Any) -> str:
        """A document; its id is what a record's would be."""
        record_id = f"{trace}{span}" if trace else uuid.uuid4().hex + uuid.uuid4().hex[:16]
        if dataset.startswith("traces"):
            record_id = uuid.uuid4().hex
        document = {"@timestamp": TIME, **({"trace_id": trace, "span_id": span} if trace else {}), **more}
        self.client.create(index=f"{dataset}.otel-{self.tag}", id=record_id, document=document)
        return record_id

    def asked(self, trace: str, span: str, **identity: str) -> str:
        """A record with its content and its span."""
        known = {name.replace("__", "."): value for name, value in identity.items()}
        self.put("traces-generic", trace, span, name="chat", attributes={**known, names.INPUT_MESSAGES: "[]"})
        self.put("logs-genai.content", trace, span, attributes={names.INPUT_MESSAGES: MESSAGES})
        return self.put("logs-genai.record", trace, span, attributes={**known, **SALTS, names.REQUEST_MODEL: "m"})

    def erase(self, user: str, until: str | None = None, operators: Collection[bytes] = ()) -> list[str]:
        """Erase what is his; what is left then. Bytes in files are another test's."""
        self.client.indices.refresh(index="logs-*,traces-*")
        trail = person.trail(self.client, user, until, operators)
        said = remains.samples(self.client, trail)
        erasure = Erasure(self.client, trail, None, self.told.extend)
        for _ in erasure.steps():
            pass
        return list(remains.remains(self.client, trail, None, erasure.blobs, said))

    def attributes(self, dataset: str) -> list[dict[str, Any]]:
        self.client.indices.refresh(index="logs-*,traces-*")
        found = streams.hits(self.client, f"{dataset}.otel-{self.tag}", {"match_all": {}})
        return [hit["_source"]["attributes"] for hit in found]


@pytest.fixture
def stores(elasticsearch: str) -> Iterator[Stores]:
    with Elasticsearch(elasticsearch) as client:
        yield Stores(client)


def ids() -> tuple[str, str]:
    return uuid.uuid4().hex, uuid.uuid4().hex[:16]


def test_what_names_nobody_is_his_in_his_trace_session_and_conversation(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    (trace, span), (other, _), (third, _) = ids(), ids(), ids()
    named = stores.asked(trace, span, user__id=ada, session__id=f"s{ada}")
    stores.asked(trace, "1" * 16, gen_ai__conversation__id=f"c{ada}")
    stores.asked(other, span, session__id=f"s{ada}")
    stores.put("logs-genai.evaluation", "", "", attributes={**SALTS, names.SESSION_ID: f"s{ada}"})
    stores.asked(third, span, user__id="bob", session__id="theirs")
    stores.put(
        "traces-generic",
        trace,
        "2" * 16,
        name="POST",
        attributes={"url.path": f"/people/{ada}", "x": 1},
        status={"message": "m"},
    )
    stores.put(
        "logs-generic",
        trace,
        span,
        body={"text": "b"},
        attributes={names.EXCEPTION_MESSAGE: "e", names.EXCEPTION_TYPE: "E"},
    )
    assert stores.erase(ada) == []
    assert named in stores.told
    assert len(stores.told) == 4
    left = stores.attributes("logs-genai.record")
    assert sorted(left, key=len)[:3] == [{names.CHAIN_SALTED: ["user.id:11"], names.REQUEST_MODEL: "m"}] * 3
    assert [each[names.USER_ID] for each in left if names.USER_ID in each] == ["bob"]
    assert len(stores.attributes("logs-genai.content")) == 1
    assert sorted(map(len, stores.attributes("traces-generic"))) == [0, 0, 0, 1, 3]
    assert stores.attributes("logs-generic") == [{names.EXCEPTION_TYPE: "E"}]


def test_of_a_trace_of_several_only_his_part_is_taken(stores: Stores) -> None:
    ada, bob = f"ada-{stores.tag}", f"bob-{stores.tag}"
    trace, _ = ids()
    stores.asked(trace, "1" * 16, user__id=ada, session__id=f"both{stores.tag}")
    stores.asked(trace, "2" * 16, user__id=bob, session__id=f"both{stores.tag}")
    stores.asked(trace, "3" * 16, session__id=f"both{stores.tag}")
    assert stores.erase(ada) == []
    assert stores.told == [f"{trace}{'1' * 16}"]
    assert len(stores.attributes("logs-genai.content")) == 2
    assert {each.get(names.USER_ID) for each in stores.attributes("traces-generic")} == {None, bob}
    assert sum(names.INPUT_MESSAGES in each for each in stores.attributes("traces-generic")) == 2


def test_a_short_name_takes_no_word_that_it_stands_in(stores: Stores) -> None:
    user = stores.tag[:3]
    trace, span = ids()
    stores.put("traces-generic", trace, span, name="chat", attributes={names.USER_ID: user, "a": f"{user}x", "b": user})
    assert stores.erase(user) == []
    assert stores.attributes("traces-generic") == [{"a": f"{user}x"}]


def test_only_up_to_a_moment(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    stores.asked(*ids(), user__id=ada)
    assert stores.erase(ada, "2026-11-01T00:00:00Z") == []
    assert len(stores.attributes("logs-genai.content")) == 1
    assert stores.erase(ada, "2026-12-01T00:00:00Z") == []
    assert stores.attributes("logs-genai.content") == []


def tombstone(stores: Stores, record_id: str, key: Ed25519PrivateKey) -> None:
    """A chain of one tombstone, closed under this key, as an operator's process leaves it."""
    chain, public = uuid.uuid4().hex, key.public_key().public_bytes_raw()
    known = {names.CHAIN_ID: chain, names.CHAIN_SEQUENCE: 0, names.AUDIT_RECORDS: [record_id]}
    told = {"event_name": names.CONTENT_ERASED, "attributes": known}
    digest = proof.digest(proof.GENESIS, proof.body(told)).hex()
    known |= {names.CHAIN_PREVIOUS: proof.GENESIS.hex(), names.CHAIN_DIGEST: digest}
    statement = {"chain": chain, "digest": digest, "key": proof.key_id(public)}
    signature = base64.b64encode(key.sign(proof.statement_bytes(statement))).decode()
    closing = {
        names.CHAIN_ID: chain,
        names.CHECKPOINT_CLOSED: True,
        names.CHECKPOINT_STATEMENT: proof.canonical({**statement, "signature": signature}),
    }
    for _ in range(2):  # delivered again, into another index perhaps
        stores.put("logs-genai.audit", "", "", **told)
    stores.put("logs-genai.audit", "", "", event_name=names.CHAIN_CHECKPOINT, attributes=closing)
    for strange in ({}, {names.CHAIN_SEQUENCE: "no number"}, {**known, names.AUDIT_RECORDS: [f"{record_id}0"]}):
        stores.put("logs-genai.audit", "", "", **{**told, "attributes": {names.CHAIN_ID: chain, **strange}})


def test_what_arrives_late_is_found_by_its_tombstone_if_that_is_proved(stores: Stores) -> None:
    ada, key, forger = f"ada-{stores.tag}", Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    (trace, span), bob = ids(), stores.asked(*ids(), user__id=f"bob-{stores.tag}")
    record_id = stores.asked(trace, span, user__id=ada)
    assert stores.erase(ada) == []
    tombstone(stores, record_id, key)
    tombstone(stores, bob, forger)
    stores.put("logs-genai.content", trace, span, attributes={names.INPUT_MESSAGES: MESSAGES})
    assert stores.erase("nobody", operators=[key.public_key().public_bytes_raw()]) == []
    assert len(stores.attributes("logs-genai.content")) == 1  # bob's
    assert stores.told == [record_id, record_id]


def test_jaegers_own_spans_and_what_could_not_be_stored_go(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    (trace, span), (shared, _) = ids(), ids()
    stores.asked(trace, span, user__id=ada)
    stores.asked(shared, span, user__id=ada)
    stores.asked(shared, "1" * 16, user__id=f"bob-{stores.tag}")
    index = f"jaeger-span-{stores.tag}"
    kinds = {name: {"type": "keyword"} for name in ("traceID", "spanID")}
    stores.client.indices.create(index=index, mappings={"properties": kinds})
    for one, its in ((trace, span), (trace, "9" * 16), (shared, span), (shared, "1" * 16)):
        stores.client.index(index=index, document={"traceID": one, "spanID": its}, refresh=True)
    for user, others in ((ada, "10"), (f"{ada}-the-second", "11")):
        text = f'body="x"\nuser.id="{user}"\ngen_ai.usage="{others}"'
        attributes = {names.REJECTED_DOCUMENT: text, names.RECORD_ID: f"{stores.tag}{others}"}
        stores.put("logs-genai.rejected", "", "", attributes=attributes)
    assert stores.erase(ada) == []
    stores.client.indices.refresh(index=index)
    assert [hit["_source"] for hit in streams.hits(stores.client, index, {"match_all": {}})] == [
        {"traceID": shared, "spanID": "1" * 16}
    ]
    (left,) = stores.attributes("logs-genai.rejected")
    assert "the-second" in left[names.REJECTED_DOCUMENT]
    assert f"{stores.tag}10" in stores.told
    stores.client.indices.delete(index=index)


def test_what_the_collector_set_aside_is_told(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    trace, span = ids()
    record_id = stores.put("logs-genai.record", trace, span, attributes={names.USER_ID: ada, **SALTS})
    stores.put("logs-genai.content", trace, span, attributes={names.CONTENT_SET_ASIDE: "41000000:00"})
    stores.client.indices.refresh(index="logs-*,traces-*")
    erasure = Erasure(stores.client, person.trail(stores.client, ada, None), None, stores.told.extend)
    assert erasure.blobs.set_aside == {record_id}


def test_a_name_in_what_the_chain_proves_is_told(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    attributes = {names.USER_ID: ada, **SALTS, names.DATA_SOURCE_ID: f"notes of {ada}"}
    stores.put("logs-genai.record", *ids(), attributes=attributes)
    (left,) = stores.erase(ada)
    assert names.DATA_SOURCE_ID in left
    assert ada not in left


def test_the_id_and_name_of_a_tools_call_are_no_words_of_his(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    trace, span = ids()
    call, tool = f"call_{uuid.uuid4().hex}", f"look_up_{uuid.uuid4().hex}"
    part = {"type": "tool_call", "id": call, "name": tool, "arguments": {"number": "4711"}}
    said = [{"role": "assistant", "parts": [part]}]
    stores.put("logs-genai.content", trace, span, attributes={names.OUTPUT_MESSAGES: said})
    stores.put("logs-genai.record", trace, span, attributes={names.USER_ID: ada, **SALTS})
    known = {names.USER_ID: ada, **SALTS, names.TOOL_CALL_ID: call, names.TOOL_NAME: tool}
    stores.put("logs-genai.operation", trace, "3" * 16, attributes=known)
    assert stores.erase(ada) == []
    (kept,) = stores.attributes("logs-genai.operation")
    assert (kept[names.TOOL_CALL_ID], kept[names.TOOL_NAME]) == (call, tool)


def test_every_remainder_is_told(stores: Stores) -> None:
    ada = f"ada-{stores.tag}"
    trace, span = ids()
    stores.asked(trace, span, user__id=ada)
    stores.put("logs-generic", trace, span, attributes={names.EXCEPTION_MESSAGE: "e"})
    stores.client.indices.refresh(index="logs-*,traces-*")
    trail = person.trail(stores.client, ada, None)
    said = remains.samples(stores.client, trail)
    erasure = Erasure(stores.client, trail, None, stores.told.extend)
    assert erasure.plan()["contents of records"] == 1
    left = " · ".join(remains.remains(stores.client, trail, None, erasure.blobs, said))
    for told in ("name him", "contents of his records", names.CHAIN_SALT, streams.SPANS, streams.LOGS, "words of his"):
        assert told in left
    assert ada not in left
    assert belongings.named(trail) != belongings.named(person.Trail("nobody"))
