"""Who may read only metadata has all of `why`, and of `diff` all but the content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch.helpers import bulk
from explaining.conftest import CHANGED, ORDINARY, SLOW, STREAMS, actions
from native.stack import Stack
from throughline.cli.application import application
from throughline.store import connect
from typer.testing import CliRunner

pytestmark = pytest.mark.stack


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any repository, whose stack.env would tell of another stack."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def told(secure_stack: Stack) -> Iterator[dict[str, str]]:
    """What stack.env says, and where the keys of each role are."""
    roles = dict(secure_stack.supervisor.parts["templates"].environment)
    with connect({**secure_stack.addresses, **roles}, operator=True) as client:
        bulk(client, actions(), refresh=True)
        yield {**secure_stack.addresses, **roles}
        for stream in STREAMS.values():
            client.delete_by_query(index=stream, query={"match_all": {}}, refresh=True)


def said(told: dict[str, str], role: str, *arguments: str) -> Any:
    """What the command says to the holder of that role's key."""
    key = {"ELASTICSEARCH_API_KEY_FILE": told[f"THROUGHLINE_{role.upper()}_API_KEY_FILE"]}
    nobody = dict.fromkeys(("ELASTICSEARCH_PASSWORD_FILE", "ELASTICSEARCH_API_KEY", "ELASTICSEARCH_USER"))
    ended = CliRunner().invoke(application, [*arguments, "--json"], env={**told, **nobody, **key})
    assert ended.exit_code in (0, 1), ended.stderr
    return json.loads(ended.stdout)


def test_a_reader_of_metadata_is_told_why(told: dict[str, str]) -> None:
    found = said(told, "reader", "why", SLOW)
    assert found["first"]["words"] == "retrieval host = b"
    assert found["summary"] == said(told, "auditor", "why", SLOW)["summary"]


def test_content_is_compared_for_an_auditor_only(told: dict[str, str]) -> None:
    reader, auditor = (said(told, role, "diff", ORDINARY, CHANGED) for role in ("reader", "auditor"))
    assert "twice?" in json.dumps(auditor)
    assert "twice?" not in json.dumps(reader)
    assert "care-line" not in json.dumps(reader)
    assert reader["texts"] == []
    assert reader["first"]["label"] == "gen_ai.request.temperature"
