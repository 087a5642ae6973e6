"""Keys, a spool and an anchor of a test's own; applications that ask, and the command, as processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from collector.running import eventually
from commanding import Ended, in_a_process
from elasticsearch import ApiError, Elasticsearch
from erasure.application import ask
from native.stack import Stack
from throughline import names
from throughline.records import keys, streams
from throughline.records.keys import Purpose

GREP = shutil.which("grep") or "grep"
KILLED = Path(__file__).with_name("killed.py")
EVERYTHING = "logs-*,traces-*"


@dataclass
class World:
    """One test's keys and folders in front of the session's stack."""

    folder: Path
    addresses: Mapping[str, str]
    data: Path
    """Where Elasticsearch keeps its files."""
    client: Elasticsearch
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    """In every name and word of this test, so that no other test's is found."""

    def __post_init__(self) -> None:
        listed = []
        for purpose in Purpose:
            key = keys.new_private_key(purpose)
            self.file(purpose).write_bytes(keys.private_pem(key))
            self.file(purpose).chmod(0o600)
            listed.append(keys.listed(key, purpose, "tests", keys.datetime.now(keys.UTC)))
            if purpose is Purpose.SEALING:
                self.public.write_bytes(keys.public_pem(key))
        keys.write_key_list(self.folder / "keys.json", listed)

    def file(self, purpose: Purpose) -> Path:
        return self.folder / f"{purpose}.pem"

    @property
    def public(self) -> Path:
        """What the application seals for."""
        return self.folder / "sealing.pub.pem"

    @property
    def variables(self) -> dict[str, str]:
        """What application and command have in common."""
        return {
            "THROUGHLINE_SPOOL": str(self.folder / "spool"),
            "THROUGHLINE_ANCHOR": f"file://{self.folder}/anchor",
            "THROUGHLINE_CONTENT_STORE": f"file://{self.folder}/content",
        }

    @property
    def blobs(self) -> list[Path]:
        return sorted((self.folder / "content").glob("*.json"))

    def ask(self, *questions: Mapping[str, Any], **variables: str) -> None:
        """Let an application's users ask, and wait until all of it can be found."""
        signing = {"THROUGHLINE_SIGNING_KEY_FILE": str(self.file(Purpose.SIGNING))}
        before = self._answered()
        ask(self.addresses, *questions, **self.variables, **signing, **variables)
        self.eventually(lambda: self._answered() >= before + len(questions), "records and spans of each question")

    def run(self, *arguments: str, killed_after: str = "", **variables: str) -> Ended:
        """The command; `killed_after` names the moment at which it dies."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "COLUMNS": "160",
            **{name: value for name, value in self.addresses.items() if name != "JAEGER_URL"},
            **self.variables,
            "THROUGHLINE_OPERATOR_KEY_FILE": str(self.file(Purpose.OPERATOR)),
            "THROUGHLINE_KEY_LIST": str(self.folder / "keys.json"),
            **variables,
        }
        return in_a_process(arguments, environment, self.folder, killed=(KILLED, killed_after))

    def erase(self, user: str, *arguments: str, killed_after: str = "", **variables: str) -> Ended:
        more = ("--reason", "request 17", "--yes", *arguments)
        return self.run("erase", "--user", user, *more, killed_after=killed_after, **variables)

    def found(self, text: str, index: str = EVERYTHING) -> list[str]:
        """Ids of all documents in which this text stands, anywhere."""
        self.client.indices.refresh(index=index)
        everything = streams.hits(self.client, index, {"match_all": {}})
        return sorted(hit["_id"] for hit in everything if text in json.dumps(hit["_source"], ensure_ascii=False))

    def events(self, event: str) -> list[dict[str, Any]]:
        """Attributes of the audit events of this kind that the operator of this test signed."""
        self.client.indices.refresh(index=streams.AUDIT)
        own = {chain["attributes"][names.CHAIN_ID] for chain in self._statements()}
        hits = streams.hits(self.client, streams.AUDIT, {"term": {"event_name": event}})
        found = [hit["_source"]["attributes"] for hit in hits]
        return [attributes for attributes in found if attributes.get(names.CHAIN_ID) in own]

    def _statements(self) -> list[dict[str, Any]]:
        own = keys.proof.key_id(keys.public_bytes(keys.read_private_key(self.file(Purpose.OPERATOR))))
        return [
            hit["_source"]
            for hit in streams.hits(self.client, streams.AUDIT, {"term": {f"attributes.{names.SIGNING_KEY_ID}": own}})
        ]

    def chains(self, record_ids: Collection[str]) -> set[str]:
        """The chains of these records."""
        hits = streams.hits(self.client, streams.RECORDS, {"ids": {"values": [*record_ids]}})
        return {hit["_source"]["attributes"][names.CHAIN_ID] for hit in hits}

    def in_files(self, text: str) -> list[str]:
        """Files of Elasticsearch in which these bytes stand."""
        found = subprocess.run([GREP, "-rlaF", text, self.data], check=False, capture_output=True, text=True)
        return found.stdout.split()

    def eventually(self, holds: Callable[[], object], what: str) -> None:
        eventually(holds, what)

    def _answered(self) -> int:
        """How many questions have arrived as a record, its content and a span."""
        query = {"term": {f"attributes.{names.DATA_SOURCE_ID}": self.tag}}
        try:
            self.client.indices.refresh(index=EVERYTHING, ignore_unavailable=True)
            records = self.client.count(index="logs-genai.record.otel-*", query=query, ignore_unavailable=True)
            spans = self.client.count(index=streams.SPANS, query=query, ignore_unavailable=True)
        except ApiError:  # an index is just being made
            return 0
        return min(int(records["count"]), int(spans["count"]))


@pytest.fixture
def world(session_stack: Stack, collector: str, tmp_path: Path) -> Iterator[World]:
    with Elasticsearch(session_stack.addresses["ELASTICSEARCH_URL"], max_retries=0) as client:
        data = session_stack.logs.parent / "elasticsearch" / "data"
        yield World(tmp_path, session_stack.addresses, data, client)
