"""Logs rebuilt, statements, anchors and keys forged or gone, in a real Elasticsearch; each is found by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evidence.conftest import Run
from evidence.ledger import SET, Chain, Entry, Ledger, statement_document
from evidence.signing import HOUR, Key, now, write_keys
from throughline import names
from throughline.records import proof

pytestmark = pytest.mark.stack
LINKS = (names.CHAIN_SEQUENCE, names.CHAIN_PREVIOUS, names.CHAIN_DIGEST, names.CHAIN_SALTED)


def rebuilt(chain: Chain, sequence: int, key: Key | None) -> Chain:
    """The same chain with one record altered, and every digest behind it computed anew."""
    other = Chain(key, start=chain.start, id=chain.id)
    if key:
        other.state("opened")
    for number, record in enumerate(chain.records):
        attributes = {name: value for name, value in record["attributes"].items() if name not in LINKS}
        if number == sequence:
            attributes[names.REQUEST_MODEL] = "large"
        other.add(Entry(attributes, trace=record["trace_id"], span=record["span_id"]))
        if key and other.length % 10 == 0:
            other.state("interval", int(next(s for s in chain.statements if s["sequence"] == number)["time"]))
    if key:
        other.state("closed")
    return other


@pytest.fixture
def bare(ledger: Ledger, key: Key) -> Chain:
    chain = Chain(key).fill(35, content=False)
    ledger.write(chain)
    return chain


def test_a_log_rebuilt_without_the_key_is_named(ledger: Ledger, verify: Run, bare: Chain) -> None:
    other = rebuilt(bare, 14, None)
    ledger.delete(bare, range(35))
    ledger.write(other)
    ended = verify()
    assert (ended.code, set(ended.found)) == (1, {"rebuilt"})
    assert ended.places("rebuilt") == [(10, 19), (20, 29), (30, 34)]


def test_a_log_rebuilt_with_the_key_differs_from_the_anchor(ledger: Ledger, verify: Run, bare: Chain, key: Key) -> None:
    other = rebuilt(bare, 14, key)
    ledger.delete(bare, range(35))
    ledger.delete_statements(bare)
    ledger.write(other, anchored=False)
    ended = verify()
    assert (ended.code, set(ended.found)) == (1, {"rebuilt", "rebuilt statement"})
    assert ended.places("rebuilt") == [(10, 19), (20, 29), (30, 34)]
    assert {first for first, _ in ended.places("rebuilt statement")} >= {19, 29, 34}
    assert verify(THROUGHLINE_ANCHOR="").code == 0  # what the anchor is for


def test_a_segment_rebuilt_between_statements_is_named(ledger: Ledger, verify: Run, bare: Chain) -> None:
    other = rebuilt(bare, 14, None)
    ledger.delete(bare, range(14, 20))
    for record in other.records[14:20]:
        ledger.insert(record)
    ended = verify()
    assert (ended.code, ended.found, ended.places("rebuilt")) == (1, {"rebuilt": 10}, [(10, 19)])


@pytest.mark.parametrize(
    ("kind", "sequence", "what"),
    [("recovered", 34, "its place has another digest, too (closed)"), ("interval", 36, "the chain ended at 34")],
)
def test_statements_that_contradict_each_other_are_named(
    ledger: Ledger, verify: Run, chain: Chain, kind: str, sequence: int, what: str
) -> None:
    other = Chain(chain.key, id=chain.id, previous=bytes([7] * 32), length=sequence + 1)
    other.state(kind, int(chain.statements[-1]["time"]))
    ledger.write(other)
    ended = verify()
    assert (ended.code, ended.places("rebuilt statement")) == (1, [(sequence, sequence)])
    assert ended.what("rebuilt statement") == [f"{kind}: {what}"]


def test_a_statement_in_another_stream_is_none(ledger: Ledger, verify: Run, chain: Chain) -> None:
    document = statement_document(chain.statements[2])
    ledger.delete_statements(chain, term={"attributes.throughline.chain.sequence": 19})
    ledger.insert(document, kind="operation")
    ended = verify()
    assert (ended.code, ended.found) == (1, {"missing statement": 1, "inserted": 1})
    assert ended.ids("inserted") == [document["attributes"][names.RECORD_ID]]


def test_deleted_statements_are_missed_or_leave_records_uncovered(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete_statements(chain, range={"attributes.throughline.chain.sequence": {"gte": 20}})
    assert verify().found == {"missing statement": 2}
    ended = verify(THROUGHLINE_ANCHOR="")
    assert (ended.code, ended.found, ended.whole["proven"]) == (1, {"not covered": 15}, 20)


def test_deleted_anchors_are_missed(ledger: Ledger, verify: Run, chain: Chain) -> None:
    for path in ledger.anchor.glob("*/*-interval.json"):
        path.unlink()
    ended = verify()
    assert (ended.code, ended.found) == (1, {"missing anchor": 3})
    assert ended.places("missing anchor") == [(9, 9), (19, 19), (29, 29)]


def test_an_altered_anchor_is_not_taken_for_signed(ledger: Ledger, verify: Run, chain: Chain) -> None:
    path = next(ledger.anchor.glob("*/*-000000000020-interval.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "00" * 32}))
    next(ledger.anchor.glob("*/*-000000000010-interval.json")).write_text("{")
    ended = verify()
    assert (ended.code, ended.places("wrong signature")) == (1, [(9, 9), (19, 19)])
    assert ended.places("rebuilt statement") == [(9, 9), (19, 19)]


def test_an_altered_statement_is_not_taken_for_signed(ledger: Ledger, verify: Run, chain: Chain) -> None:
    forged = proof.canonical({**chain.statements[2], "digest": "00" * 32})
    ledger.update(chain, [19], SET, kind="audit", name=names.CHECKPOINT_STATEMENT, value=forged)
    ended = verify(THROUGHLINE_ANCHOR="")
    assert (ended.code, ended.found, ended.places("wrong signature")) == (1, {"wrong signature": 1}, [(19, 19)])


def test_keys_are_judged_by_the_list(ledger: Ledger, verify: Run, key: Key, tmp_path: Path) -> None:
    strange, ended_key, sealing = Key(), Key(until=now() - 2 * HOUR), Key("sealing")
    chains = [Chain(each).fill(3) for each in (strange, ended_key, sealing, key)]
    ledger.write(*chains)
    listed = write_keys(tmp_path / "others.json", ended_key, sealing, key)
    ended = verify("--keys", str(listed))
    assert ended.code == 1
    assert ended.found == {"unknown key": 4, "key not valid then": 2, "not covered": 9}
    assert ended.whole["proven"] == 3
