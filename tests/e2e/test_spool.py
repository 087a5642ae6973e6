"""Five lines under opentelemetry-instrument whose records are evidence, as Elasticsearch returns them: nothing missing,
every digest right, every statement signed and anchored; also when the process was killed as soon as a call returned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collector.running import eventually
from elasticsearch import Elasticsearch
from native.stack import Stack
from throughline import names
from throughline.records import keys, proof
from throughline.records.keys import Purpose

APP = Path(__file__).with_name("app.py")
INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
WILD = """
import time
from throughline.records.journal import Journal
from throughline.settings import Settings

def deep(level):
    return {"level": level, "more": [deep(level + 1)]} if level < 9 else "bottom"

wild = {
    "gen_ai.request.temperature": 1.0,
    "gen_ai.request.top_p": 1e-7,
    "gen_ai.request.frequency_penalty": -0.0,
    "gen_ai.request.seed": 2**62 + 1,
    "gen_ai.request.stop_sequences": [],
    "gen_ai.request.model": "m\\u00fcnchen \\U0001f600 \\x7f \\u2028 \\"quoted\\" \\\\ \\ud800",
    "gen_ai.response.id": "",
    "user.id": "ada \\u00e4 \\U0001f600",
    "throughline.cost.amount": 1e21,
    "throughline.cost.input": 123456789012345680000.0,
    "throughline.cost.output": 5e-324,
    "throughline.duration": 0.1 + 0.2,
    "gen_ai.input.messages": [
        {"role": "user", "parts": [{"type": "text", "content": "tab\\t newline\\n nul\\x00 bell\\x07"}]},
        {"role": "tool", "parts": []},
    ],
    "gen_ai.tool.call.arguments": {
        "": "no key",
        "a.b": {"c.d": 1, "c": {"d": 2}},
        "empty": {}, "none": None, "list": [None, 1, "1", 1.5, True, [], {}, [None]],
        "big": 2**70, "small": -(2**63), "exact": 2**53, "float": 1e16, "nan": float("nan"),
        "deep": deep(0),
        "\\u00fc": "umlaut", "\\U0001f600": "emoji", "\\ufb33": "beyond", "\\u20ac": "euro", "\\r": "cr", "1": "one",
    },
    "gen_ai.tool.call.result": "text",
    "gen_ai.retrieval.documents": [{"id": "1", "score": 1.0}, {"id": "2", "score": 0.25}],
}
journal = Journal.open(Settings.from_environment(), {"service.name": "w\\u00fcst", "service.instance.id": "u"})
assert journal.append("gen_ai.client.inference.operation.details", wild, time=time.time_ns(), trace_id=1, span_id=2)
assert journal.append("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "n"}, time=time.time_ns())
assert journal.append("throughline.operation.details", {"gen_ai.operation.name": "invoke_agent"}, time=time.time_ns())
assert journal.flush(60)
journal.close(60)
"""

pytestmark = pytest.mark.stack


@pytest.fixture
def evidence(tmp_path: Path, session_stack: Stack, collector: str) -> dict[str, str]:
    """The environment of an application whose records are evidence."""
    session_stack.start(["simulator"])
    key = tmp_path / "own.pem"
    key.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SIGNING)))
    return {
        "PATH": os.environ["PATH"],
        "OPENAI_BASE_URL": session_stack.addresses["OPENAI_BASE_URL"],
        "OPENAI_API_KEY": "simulated",
        "OTEL_SERVICE_NAME": "spooled",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY",
        "THROUGHLINE_SPOOL": str(tmp_path / "spool"),
        "THROUGHLINE_SIGNING_KEY_FILE": str(key),
        "THROUGHLINE_ANCHOR": f"file://{tmp_path}/anchor",
    }


@pytest.fixture
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch) as own:
        yield own


def run(evidence: dict[str, str], *command: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env={**evidence, **more},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def stored(client: Elasticsearch, chain: str, streams: str) -> list[dict[str, Any]]:
    """The documents of a chain."""
    client.indices.refresh(index="logs-genai.*", ignore_unavailable=True)
    query = {"term": {f"attributes.{names.CHAIN_ID}": chain}}
    found = client.search(index=streams, query=query, size=1_000, ignore_unavailable=True)
    return [{"_id": hit["_id"], "_index": hit["_index"], **hit["_source"]} for hit in found["hits"]["hits"]]


def records_of(client: Elasticsearch, chain: str) -> list[dict[str, Any]]:
    """Its records in their order; contents and statements are other documents."""
    found = stored(client, chain, "logs-genai.*,-logs-genai.content*")
    records = [each for each in found if names.CHAIN_DIGEST in each["attributes"]]
    return sorted(records, key=lambda each: int(each["attributes"][names.CHAIN_SEQUENCE]))


def sound(client: Elasticsearch, chain: str, count: int) -> list[dict[str, Any]]:
    """The chain's records, once so many are there; each is whole, in its place and next to its content."""
    records = eventually(
        lambda: found if len(found := records_of(client, chain)) == count else None, f"{count} records of {chain}"
    )
    previous = proof.GENESIS.hex()
    for sequence, record in enumerate(records):
        attributes = record["attributes"]
        assert (attributes[names.CHAIN_SEQUENCE], attributes[names.CHAIN_PREVIOUS]) == (sequence, previous)
        digest = proof.digest(bytes.fromhex(previous), proof.body(record)).hex()
        assert digest == attributes[names.CHAIN_DIGEST], record
        assert record["_id"] == attributes[names.RECORD_ID]
        assert not set(proof.CONTENT) & attributes.keys()
        holds(record, content_of(client, record))
        previous = digest
    return records


def content_of(client: Elasticsearch, record: dict[str, Any]) -> dict[str, Any]:
    """What was said, from the document beside the record; nothing where nothing was."""
    salted = [each.rsplit(":", 1)[0] for each in record["attributes"][names.CHAIN_SALTED]]
    if not set(salted) & set(proof.CONTENT):
        return {}

    def found() -> dict[str, Any] | None:
        client.indices.refresh(index="logs-genai.content*", ignore_unavailable=True)
        hits = client.search(index="logs-genai.content*", query={"ids": {"values": [record["_id"]]}})["hits"]["hits"]
        return dict(hits[0]["_source"]["attributes"]) if hits else None

    return eventually(found, "the content")


def holds(record: dict[str, Any], content: dict[str, Any]) -> None:
    """What may be erased has the salted digest that the record has of it."""
    attributes = record["attributes"]
    for each in attributes[names.CHAIN_SALTED]:
        name, digest = each.rsplit(":", 1)
        holder, salt = (attributes, names.CHAIN_SALT) if name in proof.IDENTITIES else (content, names.CONTENT_SALT)
        assert proof.salted(bytes.fromhex(holder[salt]), name, holder[name]) == digest, (name, holder[name])


def statements_of(client: Elasticsearch, chain: str, evidence: dict[str, str], end: str) -> list[dict[str, Any]]:
    """The chain's statements, the last of which ends it; each signed, and anchored as it is in Elasticsearch."""

    def found() -> list[dict[str, Any]] | None:
        written = [each["attributes"].get(names.CHECKPOINT_STATEMENT) for each in stored(client, chain, "logs-genai.*")]
        parsed = [json.loads(each) for each in written if each]
        return parsed if any(each["kind"] == end for each in parsed) else None

    statements = sorted(eventually(found, f"the statement {end}"), key=lambda each: int(each["time"]))
    public = keys.public_bytes(keys.read_private_key(Path(evidence["THROUGHLINE_SIGNING_KEY_FILE"])))
    anchor = Path(evidence["THROUGHLINE_ANCHOR"].removeprefix("file://"))
    for statement in statements:
        assert proof.signed_by(public, statement)
        assert statement["service"] == "spooled"
        name = f"{chain}-{statement['sequence'] + 1:012d}-{statement['kind']}.json"
        assert [json.loads(path.read_text()) for path in anchor.glob(f"*/{name}")] == [statement]
    return statements


def chains_in(evidence: dict[str, str]) -> set[str]:
    """Those of which there are anchored statements."""
    anchor = Path(evidence["THROUGHLINE_ANCHOR"].removeprefix("file://"))
    return {path.name.partition("-")[0] for path in anchor.glob("*/*.json")}


def test_five_lines_leave_a_chain_that_is_closed_signed_and_anchored(
    evidence: dict[str, str], client: Elasticsearch
) -> None:
    done = run(evidence, INSTRUMENT, sys.executable, APP)
    assert (done.returncode, "hroughline" in done.stderr) == (0, False), done.stderr
    (chain,) = chains_in(evidence)
    (record,) = sound(client, chain, 1)
    said = content_of(client, record)[names.INPUT_MESSAGES]
    assert said == [{"role": "user", "parts": [{"type": "text", "content": "Hello?"}]}]
    opened, *_, closed = statements_of(client, chain, evidence, "closed")
    assert (opened["kind"], opened["sequence"]) == ("opened", -1)
    assert (closed["kind"], closed["sequence"]) == ("closed", 0)
    assert closed["digest"] == record["attributes"][names.CHAIN_DIGEST]
    assert list(Path(evidence["THROUGHLINE_SPOOL"]).iterdir()) == []


def test_killed_as_soon_as_a_call_returned_nothing_is_lost(
    evidence: dict[str, str], client: Elasticsearch, tmp_path: Path
) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text(f"{APP.read_text()}\nimport os\nos.kill(os.getpid(), 9)\n")
    done = run(evidence, INSTRUMENT, sys.executable, dying, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == -signal.SIGKILL
    ((chain,),) = [[path.name] for path in Path(evidence["THROUGHLINE_SPOOL"]).iterdir()]
    assert records_of(client, chain) == []
    following = run(evidence, INSTRUMENT, sys.executable, APP)
    assert (following.returncode, "hroughline" in following.stderr) == (0, False), following.stderr
    (record,) = sound(client, chain, 1)
    recovered = statements_of(client, chain, evidence, "recovered")[-1]
    assert (recovered["sequence"], recovered["digest"]) == (0, record["attributes"][names.CHAIN_DIGEST])
    (own,) = chains_in(evidence) - {chain}
    sound(client, own, 1)
    assert statements_of(client, own, evidence, "closed")[-1]["sequence"] == 0
    assert list(Path(evidence["THROUGHLINE_SPOOL"]).iterdir()) == []


def test_whatever_a_record_holds_its_digest_is_that_of_what_is_stored(
    evidence: dict[str, str], client: Elasticsearch
) -> None:
    done = run(evidence, sys.executable, "-c", WILD)
    assert done.returncode == 0, done.stderr
    (chain,) = chains_in(evidence)
    records = sound(client, chain, 3)
    assert ["evaluation" in record["_index"] for record in records] == [False, True, False]
    assert records[0]["attributes"][names.USER_ID].startswith("ada")
    assert content_of(client, records[0])[names.TOOL_CALL_ARGUMENTS]["deep"]["level"] == 0
