"""The auditor's command on content that a real application sealed: who looks is on record first, and alone may look."""

from __future__ import annotations

import json
from typing import Any

import pytest
from erasure.conftest import World
from throughline import names
from throughline.privacy.sealing import Seal
from throughline.records import keys, streams
from throughline.records.keys import Purpose

pytestmark = pytest.mark.stack


def sealed(world: World, **variables: str) -> tuple[str, str]:
    """A question whose content is sealed: the record's id, and the words."""
    canary = f"canary{world.tag}"
    question = {
        "corpus": world.tag,
        "user": f"ada-{world.tag}",
        "text": f"why {canary}?",
        "document": f"since {canary}",
    }
    world.ask(question, THROUGHLINE_SEAL_FOR_FILE=str(world.public), **variables)
    query = {"term": {f"attributes.{names.DATA_SOURCE_ID}": world.tag}}
    (record,) = streams.hits(world.client, streams.RECORDS, query)
    world.eventually(lambda: content_of(world, record["_id"]), "the record's content")
    return record["_id"], canary


def content_of(world: World, record_id: str) -> list[dict[str, Any]]:
    world.client.indices.refresh(index=streams.CONTENTS, ignore_unavailable=True)
    return list(streams.hits(world.client, streams.CONTENTS, {"ids": {"values": [record_id]}}))


def change(world: World, record_id: str, **attributes: Any) -> None:
    """Alter the stored content, as whoever may write to Elasticsearch could."""
    (hit,) = content_of(world, record_id)
    document = {**hit["_source"], "attributes": {**hit["_source"]["attributes"], **attributes}}
    world.client.delete(index=hit["_index"], id=record_id, refresh=True)
    world.client.create(index=streams.CONTENTS.replace("*", "default"), id=record_id, document=document, refresh=True)


def test_the_auditor_reads_and_that_he_did_is_on_record(world: World) -> None:
    record_id, canary = sealed(world, THROUGHLINE_CONTENT_STORE_FROM="30")
    assert world.found(canary) == []
    assert all(canary not in blob.read_text() for blob in world.blobs)
    assert len(world.blobs) == 1
    key = ("--key", str(world.file(Purpose.SEALING)))
    why = ("--reason", "complaint 9", "--actor", "Eve Auditor")
    ended = world.run("open", record_id, *key, *why, "--json", THROUGHLINE_KEY_LIST="")
    assert (ended.code, ended.err) == (0, "")
    read = json.loads(ended.out)
    assert read["record"] == record_id
    assert not read["verified"]
    assert "throughline verify --chain" in read["next"]
    assert read["content"][names.RETRIEVAL_QUERY_TEXT] == f"why {canary}?"
    assert read["content"][names.RETRIEVAL_DOCUMENTS] == [{"id": "1", "content": f"since {canary}"}]
    world.eventually(lambda: world.events(names.CONTENT_OPENED), "the audit event")
    (told,) = world.events(names.CONTENT_OPENED)
    assert told[names.AUDIT_RECORDS] == [record_id]
    assert told[names.AUDIT_REASON] == "complaint 9"
    assert told[names.AUDIT_ACTOR].startswith("Eve Auditor (")
    assert "Eve Auditor" not in told[names.AUDIT_ACTOR].removeprefix("Eve Auditor")
    ended = world.run("open", read["trace"], *key, "--reason", "complaint 9", THROUGHLINE_KEY_LIST="")
    assert ended.code == 0
    assert ended.out.count(canary) == 3  # the question, its document, and its score's explanation
    assert ended.out.count("not verified: `throughline verify --chain") == 2
    world.eventually(lambda: len(world.events(names.CONTENT_OPENED)) == 2, "both audit events")


def test_what_a_signed_statement_proves_needs_no_warning(world: World) -> None:
    record_id, canary = sealed(world)
    (chain,) = world.chains([record_id])
    own = ({f"attributes.{names.CHAIN_ID}": chain}, {f"attributes.{names.CHECKPOINT_CLOSED}": True})
    query = {"bool": {"filter": [{"term": each} for each in own]}}
    world.eventually(lambda: list(streams.hits(world.client, streams.AUDIT, query)), "the statement")
    command = ("open", record_id, "--key", str(world.file(Purpose.SEALING)), "--reason", "complaint 9")
    ended = world.run(*command)
    assert (ended.code, canary in ended.out, "not verified" in ended.out) == (0, True, False)
    assert json.loads(world.run(*command, "--json").out)["verified"]
    (hit,) = streams.hits(world.client, streams.RECORDS, {"ids": {"values": [record_id]}})
    altered = {**hit["_source"]["attributes"], names.DURATION: 77.0}
    world.client.delete(index=hit["_index"], id=record_id, refresh=True)
    stream = hit["_index"].removeprefix(".ds-").rsplit("-", 2)[0]
    world.client.create(index=stream, id=record_id, document={**hit["_source"], "attributes": altered}, refresh=True)
    ended = world.run(*command)
    assert (ended.code, canary in ended.out, f"verify --chain {chain}" in ended.out) == (0, True, True)


def test_without_the_collector_nothing_is_shown(world: World) -> None:
    record_id, canary = sealed(world)
    key = ("--key", str(world.file(Purpose.SEALING)))
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    ended = world.run("open", record_id, *key, "--reason", "complaint 9", **nowhere)
    assert ended.code == 3
    assert "did not acknowledge" in ended.err
    assert canary not in ended.out + ended.err
    assert ended.out == ""


def test_what_is_not_for_this_key_or_not_what_was_sealed_is_told(world: World) -> None:
    record_id, canary = sealed(world)
    other = world.folder / "other.pem"
    other.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SEALING)))
    ended = world.run("open", record_id, "--key", str(other), "--reason", "complaint 9")
    assert ended.code == 2
    assert "sealed for key" in ended.err
    key = ("--key", str(world.file(Purpose.SEALING)))
    before = content_of(world, record_id)[0]["_source"]["attributes"][names.CONTENT_SEALED]
    change(world, record_id, **{names.CONTENT_SEALED: f"{before[:-8]}AAAAAAA="})
    ended = world.run("open", record_id, *key, "--reason", "complaint 9")
    assert ended.code == 1
    assert "not what the record says" in ended.err
    assert canary not in ended.out + ended.err
    ended = world.run("open", "0" * 48, *key, "--reason", "complaint 9")
    assert ended.code == 1
    assert "no sealed content" in ended.err


def test_what_was_sealed_anew_is_told_though_the_records_digests_are_gone(world: World) -> None:
    record_id, _ = sealed(world)
    (content,) = content_of(world, record_id)
    forged = Seal(world.public).record({"gen_ai.input.messages": "eve"}, record_id, content["_source"]["event_name"])
    change(world, record_id, **{names.CONTENT_SEALED: forged[names.CONTENT_SEALED]})
    (record,) = streams.hits(world.client, streams.RECORDS, {"ids": {"values": [record_id]}})
    del record["_source"]["attributes"][names.CHAIN_SALTED]
    world.client.delete(index=record["_index"], id=record_id, refresh=True)
    world.client.create(
        index=record["_index"].removeprefix(".ds-").rsplit("-", 2)[0],
        id=record_id,
        document=record["_source"],
        refresh=True,
    )
    ended = world.run("open", record_id, "--key", str(world.file(Purpose.SEALING)), "--reason", "complaint 9")
    assert (ended.code, "not what the record says" in ended.err, ended.out) == (1, True, "")
