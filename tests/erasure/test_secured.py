"""The same on the secured stack: certificates on both sides, and no more rights than the two keys give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from erasure.conftest import World
from native.stack import Stack
from throughline.records.keys import Purpose
from throughline.store import connect

pytestmark = pytest.mark.stack


@pytest.fixture
def secured(secure_stack: Stack, tmp_path: Path) -> Iterator[World]:
    told = secure_stack.supervisor.parts["templates"].environment
    with connect({**secure_stack.addresses, **told}, operator=True) as client:
        data = secure_stack.logs.parent / "elasticsearch" / "data"
        yield World(tmp_path, secure_stack.addresses, data, client.options(max_retries=0))


def test_the_operators_key_erases_and_the_auditors_opens(secured: World) -> None:
    ada, canary = f"ada-{secured.tag}", f"canary{secured.tag}"
    question = {"corpus": secured.tag, "user": ada, "text": f"why {canary}?"}
    secured.ask(question, THROUGHLINE_SEAL_FOR_FILE=str(secured.public))
    assert secured.found(canary) == []
    (record_id, *_) = [each for each in secured.found(ada, "logs-genai.record.otel-*") if secured.found(each)]
    key = ("--key", str(secured.file(Purpose.SEALING)))
    opened = secured.run("open", record_id, *key, "--reason", "complaint 9", "--json")
    assert (opened.code, opened.err) == (0, "")
    assert canary in opened.out
    assert secured.in_files(ada)
    ended = secured.erase(ada)
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert secured.found(ada) == []
    assert secured.in_files(ada) == []
    opened = secured.run("open", record_id, *key, "--reason", "complaint 9", "--json")
    assert (opened.code, opened.out) == (1, "")
