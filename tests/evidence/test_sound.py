"""What is in order is said to be, and what only looks wrong is told apart; tampering is tested beside this."""

from __future__ import annotations

from pathlib import Path

import pytest
from elasticsearch.helpers import bulk
from evidence.conftest import Run
from evidence.ledger import SET, Chain, Ledger, call, gap, tombstone
from evidence.signing import DAY, HOUR, Key, now, write_keys
from throughline import names

pytestmark = pytest.mark.stack
ERASE = (
    "for (name in params.names) { ctx._source.attributes.remove(name) } "
    "ctx._source.attributes.remove('throughline.chain.salt')"
)
IDENTITIES = ["user.id", "gen_ai.conversation.id"]


def test_a_whole_log_is_sound(ledger: Ledger, verify: Run, key: Key) -> None:
    ledger.write(Chain(key).fill(35), Chain(key).fill(3), Chain(key).fill(0))
    ended = verify()
    assert (ended.code, ended.found) == (0, {})
    assert {name: ended.whole[name] for name in ("sound", "records", "proven", "contents", "chains")} == {
        "sound": True,
        "records": 38,
        "proven": 38,
        "contents": 38,
        "chains": 2,
    }


def test_a_log_without_anchor_is_sound_where_none_is_asked_for(ledger: Ledger, verify: Run, key: Key) -> None:
    ledger.write(Chain(key).fill(12), anchored=False)
    ended = verify(THROUGHLINE_ANCHOR="")
    assert (ended.code, ended.found, ended.whole["proven"]) == (0, {}, 12)


def test_a_chain_that_a_later_process_closed_is_sound(ledger: Ledger, verify: Run, key: Key) -> None:
    ledger.write(Chain(key).fill(17, close="recovered"))
    assert (verify().code, verify().found) == (0, {})


def test_the_live_tail_waits_for_its_statement(ledger: Ledger, verify: Run, key: Key) -> None:
    live = Chain(key, start=now() - 25 * 10**9).fill(20, close=None)
    live.add(*(call(number) for number in range(3)))
    ledger.write(live)
    ended = verify()
    assert (ended.code, ended.found) == (0, {"not yet signed or stored": 3})
    assert (ended.whole["proven"], ended.whole["records"]) == (20, 23)


def test_what_is_on_its_way_is_not_missing(ledger: Ledger, verify: Run, key: Key) -> None:
    live = Chain(key, start=now() - 25 * 10**9).fill(20, close=None)
    ledger.write(live, anchored=False)
    ledger.delete(live, [4, 19])
    ledger.delete(live, [7], kind="content")
    ended = verify()
    assert ended.code == 0
    # 2 records, their neighbours' link, 1 content, and the anchored copies of opened and two more
    assert ended.found["not yet signed or stored"] == 2 + 1 + 3
    assert set(ended.found) == {"not yet signed or stored", "not tied"}


def test_second_deliveries_are_told_apart(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key).fill(12)
    ledger.write(chain)
    ledger.rollover()
    ledger.rollover("content")
    ledger.rollover("audit")
    bulk(ledger.client, ledger.actions(chain))
    ledger.refresh()
    ended = verify()
    assert (ended.code, ended.found) == (0, {"delivered twice": 24})


def test_what_retention_removed_is_expired(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key, start=now() - 40 * DAY, step=DAY).fill(30)
    ledger.write(chain)
    ledger.delete(chain, range(10))
    ledger.delete(chain, range(20), kind="content")
    ended = verify("--records-days", "25", "--contents-days", "15")
    assert (ended.code, ended.found) == (0, {"expired": 10, "expired content": 10})
    assert ended.whole["proven"] == 20
    assert verify("--records-days", "41", "--contents-days", "15").found == {"missing": 10, "expired content": 10}


def test_a_whole_chain_may_expire(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key, start=now() - 40 * DAY).fill(30)
    ledger.write(chain)
    ledger.delete(chain, range(30))
    ledger.delete(chain, range(30), kind="content")
    ended = verify(THROUGHLINE_RETENTION_RECORDS_DAYS="30")
    assert (ended.code, ended.found) == (0, {"expired": 30})


def test_what_an_operator_erased_is_lawful(ledger: Ledger, verify: Run, key: Key, operator: Key) -> None:
    chain = Chain(key).fill(12)
    erased = [chain.records[number]["attributes"][names.RECORD_ID] for number in (3, 4)]
    tomb = Chain(operator, service="throughline")
    tomb.state("opened")
    tomb.add(tombstone(*erased))
    tomb.state("closed")
    ledger.write(chain, tomb)
    ledger.delete(chain, [3, 4], kind="content")
    ledger.update(chain, [3, 4], ERASE, names=IDENTITIES)
    ended = verify()
    assert (ended.code, ended.found) == (0, {"erased lawfully": 2})
    assert sorted(ended.ids("erased lawfully")) == sorted(erased)
    assert verify("--metadata-only").found == {"erased lawfully": 2}


def test_a_full_spool_is_told_by_a_signed_record(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key).fill(15, close=None)
    chain.add(gap(12, 13, 2), gap(None, None, 5))
    chain.state("closed")
    ledger.write(chain)
    ledger.delete(chain, [12, 13])
    ledger.delete(chain, [12, 13], kind="content")
    ended = verify()
    assert ended.code == 0
    assert ended.found == {"dropped by a full spool": 2 + 1, "not tied": 2}
    assert (12, 13) in ended.places("dropped by a full spool")
    assert ended.places("not tied") == [(10, 11)]


def test_what_stands_before_a_gap_is_proven_by_the_record_that_tells_of_it(
    ledger: Ledger, verify: Run, key: Key
) -> None:
    """So is what stands between two gaps, and what a record there tells of the first one."""
    chain = Chain(key).fill(15, close=None, content=False)
    chain.add(gap(12, 13, 2, chain.records[11]["attributes"][names.CHAIN_DIGEST]))
    chain.fill(3, close=None, content=False)
    chain.add(gap(17, 17, 1, chain.records[16]["attributes"][names.CHAIN_DIGEST]))
    chain.state("closed")
    ledger.write(chain)
    ledger.delete(chain, [12, 13, 17])
    ended = verify()
    assert (ended.code, ended.found) == (0, {"dropped by a full spool": 3})
    assert ended.whole["proven"] == ended.whole["records"] == 17


def test_what_was_dropped_and_arrived_all_the_same_is_no_finding(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key).fill(15, close=None, content=False)
    chain.add(gap(12, 14, 3, chain.records[11]["attributes"][names.CHAIN_DIGEST]))
    chain.state("closed")
    ledger.write(chain)
    ledger.delete(chain, [13, 14])  # 12 was on its way when it was dropped
    ended = verify()
    assert (ended.code, ended.found) == (0, {"dropped by a full spool": 2, "not tied": 1})
    assert ended.places("not tied") == [(12, 12)]


def test_who_may_not_see_contents_verifies_the_rest(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key).fill(12)
    ledger.write(chain)
    ledger.delete(chain, [3], kind="content")
    ended = verify("--metadata-only")
    assert (ended.code, ended.found, ended.whole["contents"]) == (0, {}, 0)


def test_a_period_is_verified_from_statement_to_statement(ledger: Ledger, verify: Run, key: Key) -> None:
    begin = now() - 10 * DAY
    chain = Chain(key, start=begin, step=HOUR).fill(200, close=None)
    chain.state("closed")
    other = Chain(key, start=begin - 30 * DAY).fill(20)
    ledger.write(chain, other)
    ended = verify("--since", "5d", "--until", "4d")
    assert (ended.code, ended.found) == (0, {})
    assert 24 <= ended.whole["records"] <= 24 + 20 + 20
    assert ended.whole["proven"] == ended.whole["records"]
    tampered = len(chain.records) - 1
    ledger.delete(chain, [tampered])
    ledger.delete(chain, [tampered], kind="content")
    assert verify("--since", "5d", "--until", "4d").code == 0
    assert verify().found == {"truncated tail": 1, "not tied": 9}


def test_one_chain_can_be_verified_alone(ledger: Ledger, verify: Run, key: Key) -> None:
    good, bad = Chain(key).fill(12), Chain(key).fill(12)
    ledger.write(good, bad)
    ledger.delete(bad, [3])
    assert verify("--chain", good.id).code == 0
    assert verify("--chain", bad.id).code == 1
    assert verify("--chain", good.id).whole["records"] == 12


def test_an_old_chain_without_an_end_is_a_note(ledger: Ledger, verify: Run, key: Key) -> None:
    ledger.write(Chain(key, start=now() - 2 * DAY).fill(20, close=None))
    ended = verify()
    assert (ended.code, ended.found) == (0, {"unclosed chain": 1})


def test_keys_that_were_rotated_stay_good_for_their_time(ledger: Ledger, verify: Run, tmp_path: Path) -> None:
    middle = now() - 30 * 60 * 10**9
    old, new = Key(until=middle), Key(since=middle)
    chain = Chain(old, step=10 * 60 * 10**9).fill(2, every=1, close=None)
    chain.key = new
    chain.fill(4, every=1)
    ledger.write(chain)
    listed = write_keys(tmp_path / "rotated.json", old, new)
    ended = verify("--keys", str(listed))
    assert (ended.code, ended.found) == (0, {})


def test_a_full_spool_is_told_though_the_period_ends_before(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key, start=now() - 100 * HOUR, step=HOUR).fill(45, close=None)
    chain.add(gap(12, 13, 2), call(46))
    chain.state("closed")
    ledger.write(chain)
    ledger.delete(chain, [12, 13])
    ledger.delete(chain, [12, 13], kind="content")
    ended = verify("--since", "95h", "--until", "80h")
    assert (ended.code, ended.found) == (0, {"dropped by a full spool": 2, "not tied": 2})
    ledger.update(chain, [45], SET, kind="audit", name=names.GAP_TO, value=20)
    assert verify("--since", "95h", "--until", "80h").found == {"missing": 2, "not tied": 2}
