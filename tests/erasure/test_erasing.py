"""A person's request to be forgotten, from the application that recorded him to Elasticsearch's files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from erasure.conftest import World
from throughline import names
from throughline.records import streams

pytestmark = pytest.mark.stack
LONG = "and so on, " * 30
OFFLOADED = {"THROUGHLINE_CONTENT_STORE_FROM": "200"}


def asked(world: World) -> tuple[str, str, str]:
    """ada asks, once in vain and once in her session alone; bob is told the same as she. The names, and her words."""
    ada, bob, canary = f"ada-{world.tag}", f"bob-{world.tag}", f"canary{world.tag}"
    common = f"{LONG} common{world.tag}"
    world.ask(
        {"corpus": world.tag, "user": ada, "session": f"s-{ada}", "text": f"{LONG} {canary}", "document": common},
        {"corpus": world.tag, "user": ada, "text": f"why not {canary}?", "fails": True},
        {"corpus": world.tag, "session": f"s-{ada}", "text": f"still {canary}?"},
        {"corpus": world.tag, "user": bob, "text": f"bob's {world.tag}", "document": common},
        **OFFLOADED,
    )
    return ada, bob, canary


def records_of(world: World, text: str) -> set[str]:
    """Ids of the chained records with this text in them or in their content."""
    content = {*world.found(text, streams.CONTENTS)}
    return {*world.found(text, streams.RECORDS)} | content


def test_all_that_is_readable_is_gone_and_the_rest_is_proved(world: World) -> None:
    ada, bob, canary = asked(world)
    hers, his = records_of(world, ada) | records_of(world, canary), records_of(world, bob)
    bobs = world.found(bob)
    assert len(hers) == 6  # three questions and their scores
    assert len(world.blobs) == 2  # what she asked, and the document that both were told
    assert world.in_files(ada)
    assert world.in_files(canary)

    shown = world.run("erase", "--user", ada, "--reason", "request 17", "--dry-run")
    assert (shown.code, shown.err) == (0, "")
    assert canary not in shown.out
    assert world.found(canary)

    ended = world.erase(ada)
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert ended.out.endswith("nothing readable of this person is left\n")
    assert canary not in ended.out
    assert world.found(ada) == world.found(canary) == []
    assert world.in_files(ada) == world.in_files(canary) == []
    assert hers < {*world.found("", streams.RECORDS)}
    assert world.found(bob) == bobs
    assert records_of(world, bob) == his
    (left,) = world.blobs
    assert f"common{world.tag}" in left.read_text()
    erased = [each for told in world.events(names.CONTENT_ERASED) for each in told[names.AUDIT_RECORDS]]
    assert sorted(erased) == sorted(hers)
    assert {told[names.AUDIT_REASON] for told in world.events(names.CONTENT_ERASED)} == {"request 17"}
    for chain in world.chains(hers | {*erased}):
        verified = world.run("verify", "--chain", chain, "--grace", "0", "--json")
        assert (verified.code, verified.err) == (0, ""), verified.out
        assert "erased" in verified.out


MOMENTS = ("tombstones", "1", "4", "7", "11")


def test_killed_at_any_moment_and_run_again(world: World) -> None:
    ada, bob, canary = asked(world)
    hers, bobs = records_of(world, ada) | records_of(world, canary), world.found(bob)
    for moment in MOMENTS:
        ended = world.erase(ada, killed_after=moment)
        assert ended.code == -9, (moment, ended.out, ended.err)
    ended = world.erase(ada)
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert world.found(ada) == world.found(canary) == []
    assert world.in_files(ada) == world.in_files(canary) == []
    assert world.found(bob) == bobs
    assert len(world.blobs) == 1
    erased = {each for told in world.events(names.CONTENT_ERASED) for each in told[names.AUDIT_RECORDS]}
    assert erased == hers
    (chain,) = world.chains(hers)
    verified = world.run("verify", "--chain", chain, "--grace", "0")
    assert verified.code == 0, verified.out


def test_what_jaeger_has_in_memory_is_told_and_told_again(world: World, jaeger: str) -> None:
    ada = f"ada-{world.tag}"
    world.ask({"corpus": world.tag, "user": ada, "text": f"canary{world.tag}"})
    for _ in range(2):
        ended = world.erase(ada, JAEGER_URL=jaeger)
        assert ended.code == 1
        assert "Jaeger has in memory" in ended.out
    assert world.found(ada) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"reason": "ada asked"}, "names him"),
        ({"THROUGHLINE_OPERATOR_KEY_FILE": "sealing.pem"}, "seals, not one that signs"),
        ({"THROUGHLINE_OPERATOR_KEY_FILE": "missing.pem"}, "cannot be read"),
        ({"until": "some day"}, "no point in time"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_done(world: World, more: dict[str, Any], says: str) -> None:
    ada = "ada"
    stream = f"logs-genai.record.otel-{world.tag}"
    document = {"@timestamp": "1795433146990.0", "attributes": {names.USER_ID: f"{ada}{world.tag}"}}
    world.client.create(index=stream, id=world.tag * 4, document=document, refresh=True)
    variables = {name: value for name, value in more.items() if name.isupper()}
    reason, until = more.get("reason", "request 17"), more.get("until", "now")
    user = ada if "reason" in more else f"{ada}{world.tag}"
    ended = world.run("erase", "--user", user, "--yes", "--reason", reason, "--until", until, **variables)
    assert ended.code == 2, ended.out
    assert says in ended.err
    assert json.dumps(document["attributes"]) in json.dumps(
        [hit["_source"]["attributes"] for hit in streams.hits(world.client, stream, {"match_all": {}})]
    )
