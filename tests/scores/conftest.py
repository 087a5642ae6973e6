"""The command as a user runs it, in a folder of its own before the session's stack, and what it left in the store."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from collector.running import eventually
from commanding import Ended, in_a_process
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from native.stack import Stack
from scores import answers
from scores.answers import Given
from throughline import names

KILLED = Path(__file__).with_name("killed.py")
EVALUATIONS = "logs-genai.evaluation.otel-*"


@dataclass
class World:
    """One test's folder, and its own answers by the name of their prompt."""

    folder: Path
    addresses: Mapping[str, str]
    client: Elasticsearch
    prompt: str = field(default_factory=lambda: f"help-{uuid.uuid4().hex[:12]}")
    said: list[str] = field(default_factory=list)
    """All that the command wrote, to be searched for what must not be in it."""

    def given(self, *texts: str, **more: Any) -> list[Given]:
        """Stored answers with these texts; all else is as `Given` has it."""
        found = [Given(self.prompt, text, **more) for text in texts]
        answers.store(self.client, *found)
        return found

    def score(self, *arguments: str, killed_after: str = "", **variables: str) -> Ended:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "COLUMNS": "160",
            **self.addresses,
            "THROUGHLINE_SPOOL": str(self.folder / "spool"),
            **variables,
        }
        named = {name: value for name, value in environment.items() if value}
        asked = ["score", *arguments, "--prompt", self.prompt]
        ended = in_a_process(asked, named, self.folder, killed=(KILLED, killed_after))
        self.said += [ended.out, ended.err]
        return ended

    def evaluations(self) -> dict[str, dict[str, Any]]:
        """Hits of this test's answers, by id; an id that is there twice fails."""
        self.client.indices.refresh(index=EVALUATIONS, ignore_unavailable=True)
        query = {"query": {"term": {f"attributes.{names.PROMPT_NAME}": self.prompt}}, "seq_no_primary_term": True}
        hits = list(scan(self.client, index=EVALUATIONS, query=query, ignore_unavailable=True))
        found = {hit["_id"]: dict(hit) for hit in hits}
        assert len(found) == len(hits)
        return found

    def whole_chains(self) -> list[str]:
        """Chains of these evaluations, each of which has all its records from the first to the last."""
        chains: dict[str, list[int]] = {}
        for hit in self.evaluations().values():
            attributes = hit["_source"]["attributes"]
            chains.setdefault(attributes[names.CHAIN_ID], []).append(attributes[names.CHAIN_SEQUENCE])
        assert all(sorted(places) == list(range(len(places))) for places in chains.values()), chains
        return list(chains)

    def eventually(self, holds: Any, what: str) -> None:
        eventually(holds, what)


@pytest.fixture
def world(session_stack: Stack, collector: str, tmp_path: Path) -> Iterator[World]:
    with Elasticsearch(session_stack.addresses["ELASTICSEARCH_URL"], max_retries=0) as client:
        yield World(tmp_path, session_stack.addresses, client)
