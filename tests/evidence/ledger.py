"""Makes evidence in exactly the shapes that the pipeline stores, and writes it by bulk; proves and tampers nothing."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from evidence.signing import HOUR, Document, Key, now
from throughline import names
from throughline.records import proof
from throughline.records.anchors import path_of

SET = "ctx._source.attributes[params.name] = params.value"
"""Painless that changes one attribute."""
RESOURCE = {"service.name": "ledger", "service.version": "1.2", "host.name": "böx", "telemetry.sdk.language": "python"}


@dataclass(slots=True)
class Entry:
    """One record as it was made: everything in one."""

    attributes: Document
    event: str = names.CLIENT_INFERENCE_OPERATION_DETAILS
    trace: str = ""
    span: str = ""
    time: int = 0


@dataclass(slots=True)
class Chain:
    """A process's chain: records are added, stated at will, and stored as the Collector would."""

    key: Key | None
    start: int = field(default_factory=lambda: now() - HOUR)
    step: int = 10**9
    service: str = "ledger"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    records: list[Document] = field(default_factory=list)
    contents: list[Document] = field(default_factory=list)
    statements: list[Document] = field(default_factory=list)
    previous: bytes = proof.GENESIS
    length: int = 0
    covered: int = -1
    oldest: int | None = None

    @property
    def time(self) -> int:
        return self.start + self.length * self.step

    def add(self, *entries: Entry) -> None:
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        time_ = entry.time or self.time
        attributes = {**entry.attributes, names.RECORD_TIME_UNIX_NANO: time_, names.CHAIN_ID: self.id}
        attributes.setdefault(names.RECORD_ID, f"{entry.trace}{entry.span}" if entry.trace else uuid.uuid4().hex * 2)
        attributes |= {names.CHAIN_SEQUENCE: self.length, names.CHAIN_PREVIOUS: self.previous.hex()}
        attributes |= _salts(attributes)
        document = {
            "@timestamp": f"{time_ // 10**6}.{time_ % 10**6}",
            "data_stream": {"type": "logs", "dataset": "genai.record.otel", "namespace": "default"},
            "event_name": entry.event,
            "observed_timestamp": f"{time_ // 10**6 + 5}.0",
            "resource": {"attributes": {**RESOURCE, "service.name": self.service}},
            "scope": {"name": "throughline"},
            **({"trace_id": entry.trace, "span_id": entry.span} if entry.trace else {}),
        }
        apart = {name: attributes.pop(name) for name in (*proof.CONTENT, names.CONTENT_SALT) if name in attributes}
        digest = proof.digest(self.previous, proof.body({**document, "attributes": attributes}))
        attributes[names.CHAIN_DIGEST] = digest.hex()
        self.records.append({**document, "attributes": attributes})
        if apart:
            placed = {name: attributes[name] for name in (names.RECORD_ID, names.CHAIN_ID, names.CHAIN_SEQUENCE)}
            self.contents.append({**document, "attributes": {**apart, **placed}})
        self.previous, self.length = digest, self.length + 1
        self.oldest = time_ if self.oldest is None else min(self.oldest, time_)

    def state(self, kind: str, time_: int | None = None) -> Document:
        """Sign how far the chain has come."""
        assert self.key is not None
        opened = kind == "opened"
        moment = self.time if time_ is None else time_
        statement = self.key.sign(
            {
                "version": 1,
                "kind": kind,
                "chain": self.id,
                "sequence": -1 if opened else self.length - 1,
                "digest": (proof.GENESIS if opened else self.previous).hex(),
                "time": str(moment),
                "from": str(moment if opened or self.oldest is None else self.oldest),
                "service": self.service,
            }
        )
        self.oldest = None
        self.statements.append(statement)
        return statement

    def fill(self, count: int, every: int = 10, *, close: str | None = "closed", content: bool = True) -> Chain:
        """So many calls, stated at intervals."""
        if not self.statements and self.key:
            self.state("opened")
        for _ in range(count):
            self.add(call(self.length, content=content))
            if self.key and self.length % every == 0:
                self.state("interval")
        if self.key and close:
            self.state(close)
        return self


def call(number: int, *, content: bool = True, user: str = "ada") -> Entry:
    """A model call as the instrumentation records it."""
    said: Document = {
        names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": f"Frage {number} — 🙂?"}]}],
        names.OUTPUT_MESSAGES: [
            {"role": "assistant", "parts": [{"type": "text", "content": f"answer {number}"}], "finish_reason": "stop"}
        ],
    }
    attributes = {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: "openai",
        names.REQUEST_MODEL: "small",
        names.REQUEST_TEMPERATURE: 0.25,
        names.USAGE_INPUT_TOKENS: 100 + number,
        names.USAGE_OUTPUT_TOKENS: 7,
        names.COST_AMOUNT: 1.25e-05,
        names.DURATION: 1.0,
        names.RESPONSE_FINISH_REASONS: ["stop"],
        names.PROMPT_NAME: "help",
        names.PROMPT_VERSION: "1",
        names.REQUEST_SEED: 2**60 + number,
        names.USER_ID: user,
        names.CONVERSATION_ID: f"c-{number % 3}",
        **(said if content else {}),
    }
    return Entry(attributes, trace=uuid.uuid4().hex, span=uuid.uuid4().hex[:16])


def gap(first: int | None, last: int | None, count: int, previous: str | None = None) -> Entry:
    places = {} if first is None else {names.GAP_FROM: first, names.GAP_TO: last}
    before = {} if previous is None else {names.GAP_PREVIOUS: previous}
    return Entry({names.GAP_COUNT: count, **places, **before}, names.CHAIN_GAP)


def tombstone(*records: str) -> Entry:
    attributes = {names.AUDIT_ACTOR: "olga", names.AUDIT_REASON: "request 7", names.AUDIT_RECORDS: list(records)}
    return Entry(attributes, names.CONTENT_ERASED)


def _salts(attributes: Document) -> Document:
    salted, salts = [], {}
    for listed, name in ((proof.IDENTITIES, names.CHAIN_SALT), (proof.CONTENT, names.CONTENT_SALT)):
        present = [each for each in listed if each in attributes]
        if present:
            salts[name] = attributes.get(name) or os.urandom(16).hex()
            key = bytes.fromhex(salts[name])
            salted += [f"{each}:{proof.salted(key, each, attributes[each])}" for each in present]
    return {**salts, names.CHAIN_SALTED: sorted(salted)}


_AUDITED = (names.CHAIN_GAP, names.CONTENT_OPENED, names.CONTENT_ERASED)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The streams of one namespace, and the anchor beside them."""

    client: Elasticsearch
    anchor: Path
    namespace: str

    def stream(self, kind: str) -> str:
        return f"logs-genai.{kind}.otel-{self.namespace}"

    @property
    def records(self) -> str:
        return f"{self.stream('record')},{self.stream('audit')}"

    def write(self, *chains: Chain, anchored: bool = True) -> None:
        """All that these chains hold and is not there yet."""
        for chain in chains:
            bulk(self.client, self.actions(chain), chunk_size=2_000, stats_only=True, raise_on_error=False)
            for statement in chain.statements if anchored else ():
                self.keep(statement)
        self.refresh()

    def actions(self, chain: Chain) -> Iterator[Document]:
        for document in chain.records:
            audited = document["event_name"] in _AUDITED
            yield self._create("audit" if audited else "record", document)
        for document in chain.contents:
            yield self._create("content", document)
        for statement in chain.statements:
            yield self._create("audit", statement_document(statement))

    def _create(self, kind: str, document: Document) -> Document:
        identity = document["attributes"][names.RECORD_ID]
        return {"_op_type": "create", "_index": self.stream(kind), "_id": identity, "_source": document}

    def keep(self, statement: Document) -> None:
        path = self.anchor / path_of(statement)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(proof.canonical(statement))

    def refresh(self) -> None:
        self.client.indices.refresh(index=f"logs-genai.*-{self.namespace}")

    def update(
        self, chain: Chain, sequences: Sequence[int], script: str, *, kind: str = "record", **params: Any
    ) -> None:
        """Change documents in place, by painless, as who may write can."""
        reply = self.client.update_by_query(
            index=self.stream(kind),
            query=of_places(chain, sequences),
            script={"source": script, "params": params},
            refresh=True,
        )
        assert reply["updated"] == len(sequences)

    def delete(self, chain: Chain, sequences: Sequence[int], *, kind: str = "record") -> None:
        reply = self.client.delete_by_query(index=self.stream(kind), query=of_places(chain, sequences), refresh=True)
        assert reply["deleted"] == len(sequences)

    def delete_statements(self, chain: Chain, **query: Any) -> int:
        filters = [{"term": {"event_name": names.CHAIN_CHECKPOINT}}, *of_places(chain, None)["bool"]["filter"]]
        filters += [query] if query else []
        index = self.stream("audit")
        reply = self.client.delete_by_query(index=index, query={"bool": {"filter": filters}}, refresh=True)
        return int(reply["deleted"])

    def insert(self, document: Document, identity: str | None = None, *, kind: str = "record") -> None:
        identity = identity or document["attributes"][names.RECORD_ID]
        self.client.create(index=self.stream(kind), id=identity, document=document, refresh=True)

    def rollover(self, kind: str = "record") -> None:
        self.client.indices.rollover(alias=self.stream(kind))

    def remove(self) -> None:
        """Everything of this namespace; the streams stay, for the next test."""
        index = f"logs-genai.*-{self.namespace}"
        self.client.delete_by_query(index=index, query={"match_all": {}}, refresh=True, conflicts="proceed")


def statement_document(statement: Document) -> Document:
    ends = statement["kind"] in ("closed", "recovered")
    time_ = int(statement["time"])
    return {
        "@timestamp": f"{time_ // 10**6}.{time_ % 10**6}",
        "event_name": names.CHAIN_CHECKPOINT,
        "resource": {"attributes": {**RESOURCE, "service.name": statement["service"]}},
        "attributes": {
            names.RECORD_ID: f"{statement['chain']}{statement['sequence'] + 1:015x}{int(ends)}",
            names.CHAIN_ID: statement["chain"],
            names.CHAIN_SEQUENCE: statement["sequence"],
            names.CHECKPOINT_STATEMENT: proof.canonical(statement),
            names.CHECKPOINT_CLOSED: ends,
            names.SIGNING_KEY_ID: statement["key"],
            names.RECORD_TIME_UNIX_NANO: time_,
        },
    }


def of_places(chain: Chain, sequences: Sequence[int] | None) -> Document:
    filters: list[Document] = [{"term": {f"attributes.{names.CHAIN_ID}": chain.id}}]
    if sequences is not None:
        filters.append({"terms": {f"attributes.{names.CHAIN_SEQUENCE}": list(sequences)}})
    return {"bool": {"filter": filters}}


def identity(chain: Chain, sequence: int) -> str:
    return str(chain.records[sequence]["attributes"][names.RECORD_ID])
