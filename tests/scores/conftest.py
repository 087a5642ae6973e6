"""The command as a user runs it, in a folder of its own before the session's stack, and what it left in the store."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from collector.running import eventually
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from native.stack import Stack
from scores import answers
from scores.answers import Given
from throughline import names

COMMAND = Path(sys.executable).with_name("throughline")
KILLED = Path(__file__).with_name("killed.py")
EVALUATIONS = "logs-genai.evaluation.otel-*"


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


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
        program = [sys.executable, str(KILLED), killed_after] if killed_after else [str(COMMAND)]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "COLUMNS": "160",
            **self.addresses,
            "THROUGHLINE_SPOOL": str(self.folder / "spool"),
            **variables,
        }
        ended = subprocess.run(
            [*program, "score", *arguments, "--prompt", self.prompt],
            env={name: value for name, value in environment.items() if value},
            cwd=self.folder,
            timeout=110,
            check=False,
            capture_output=True,
            text=True,
        )
        self.said += [ended.stdout, ended.stderr]
        return Ended(ended.returncode, ended.stdout, ended.stderr)

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
