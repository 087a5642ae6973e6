"""The verdict on each chain as it is stored for boards and alerts."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch
from evidence.conftest import Run
from evidence.ledger import SET, Chain, Ledger
from evidence.signing import DAY, HOUR, Key, now
from throughline import names
from throughline.store.queries import REPORTS

pytestmark = pytest.mark.stack


def published(client: Elasticsearch, *chains: Chain) -> dict[str, tuple[Any, ...]]:
    """By chain: state, records, proven, findings and whose; of the one report on each."""
    client.indices.refresh(index=REPORTS)
    wanted = {"terms": {f"attributes.{names.CHAIN_ID}": [chain.id for chain in chains]}}
    found: dict[str, tuple[Any, ...]] = {}
    for hit in client.search(index=REPORTS, query=wanted, size=100)["hits"]["hits"]:
        source = hit["_source"]
        assert source["event_name"] == "throughline.verification"
        attributes = source["attributes"]
        assert attributes["throughline.chain.id"] not in found
        found[attributes["throughline.chain.id"]] = (
            attributes["throughline.verification.state"],
            attributes["throughline.verification.records"],
            attributes["throughline.verification.proven"],
            attributes.get("throughline.verification.findings"),
            source["resource"]["attributes"].get("service.name"),
        )
    return found


def test_each_chain_has_a_verdict_of_its_own(ledger: Ledger, verify: Run, client: Elasticsearch, key: Key) -> None:
    proven, broken, gone = Chain(key).fill(12), Chain(key, service="other").fill(10), Chain(key).fill(3)
    young = Chain(key, start=now() - HOUR // 600, step=1).fill(12, close=None, content=False)
    ledger.write(proven, broken, gone, young)
    ledger.update(broken, [1, 2], SET, name=names.REQUEST_MODEL, value="another")
    ledger.delete(broken, [5])
    ledger.delete(gone, [0, 1, 2])
    ledger.delete(gone, [0, 1, 2], kind="content")
    ended = verify("--publish")
    assert ended.code == 1
    # Of the altered chain only what stands behind the hole leads to its last statement.
    assert published(client, proven, broken, gone, young) == {
        proven.id: ("proven", 12, 12, None, "ledger"),
        broken.id: ("broken", 9, 4, ["altered:2", "missing:1"], "other"),
        gone.id: ("broken", 0, 0, ["removed chain:3"], None),
        young.id: ("sound", 12, 10, None, "ledger"),
    }
    assert ended.whole["proven"] == 12 + 4 + 10


def test_several_processes_add_up_to_the_same(
    ledger: Ledger, verify: Run, client: Elasticsearch, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("throughline.records.verification.verifying._ALONE", 1)
    monkeypatch.setattr("throughline.records.verification.verifying._PART", 20)
    long, short = Chain(key).fill(95), Chain(key).fill(30)
    ledger.write(long, short)
    assert verify("--publish", "--processes", "2").code == 0
    assert published(client, long, short) == {
        long.id: ("proven", 95, 95, None, "ledger"),
        short.id: ("proven", 30, 30, None, "ledger"),
    }


def test_what_is_strictly_a_finding_is_one_in_the_verdict(
    ledger: Ledger, verify: Run, client: Elasticsearch, key: Key
) -> None:
    chain = Chain(key, start=now() - 3 * DAY, step=1).fill(10, close=None, content=False)
    ledger.write(chain)
    assert verify("--publish", "--strict").code == 1
    assert published(client, chain)[chain.id][:4] == ("broken", 10, 10, ["unclosed chain:1"])


def test_nothing_is_published_unasked_or_unreached(
    ledger: Ledger, verify: Run, client: Elasticsearch, chain: Chain
) -> None:
    assert verify().code == 0
    assert published(client, chain) == {}
