"""How the command speaks and ends: what it is given wrongly, what does not answer, what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence.conftest import Run
from evidence.ledger import SET, Chain, Ledger
from evidence.signing import DAY, HOUR, Key, now
from throughline import names
from throughline.records.verification.findings import MEANING, NOTES, Kind

pytestmark = pytest.mark.stack


def test_each_kind_says_what_it_means_and_what_to_do() -> None:
    assert set(MEANING) == set(Kind) >= NOTES


def test_the_table_says_what_where_and_what_next(ledger: Ledger, run: Run, key: Key) -> None:
    chain = Chain(key).fill(12)
    ledger.write(chain)
    sound = run("verify", "--namespace", ledger.namespace)
    assert (sound.code, sound.out.startswith("sound: 12 records of 1 chains, 12 of them proven")) == (0, True)
    ledger.delete(chain, [3, 4])
    shown = run("verify", "--namespace", ledger.namespace)
    assert shown.code == 1
    for words in ("missing", "3-4", chain.id, "next: ", "NOT SOUND", "not tied"):
        assert words in shown.out


@pytest.mark.parametrize(("age", "note"), [(HOUR // 600, "not yet signed or stored"), (3 * DAY, "unclosed chain")])
def test_strictly_what_is_not_finished_counts(
    ledger: Ledger, run: Run, verify: Run, key: Key, age: int, note: str
) -> None:
    ledger.write(Chain(key, start=now() - age, step=1).fill(10 if age > DAY else 12, close=None, content=False))
    loose, strict = verify(), verify("--strict")
    assert [(ended.code, ended.whole["sound"], list(ended.found)) for ended in (loose, strict)] == [
        (0, True, [note]),
        (1, False, [note]),
    ]
    assert [ended.lines[0]["is_note"] for ended in (loose, strict)] == [True, False]
    shown = run("verify", "--strict", "--namespace", ledger.namespace)
    assert (shown.code, "NOT SOUND" in shown.out) == (1, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--keys", "nowhere.json"), "nowhere.json"),
        (("--since", "yesterday-ish"), "no point in time"),
        (("--anchor", "file:///nowhere/at/all"), "/nowhere/at/all"),
        (("--anchor", "unheard://of"), "unheard"),
    ],
)
def test_what_makes_no_sense_is_named(ledger: Ledger, verify: Run, options: tuple[str, ...], said: str) -> None:
    ended = verify(*options)
    assert ended.code in (2, 3)
    assert said in ended.err


def test_signatures_without_a_list_of_keys_are_not_taken_for_granted(ledger: Ledger, verify: Run, key: Key) -> None:
    ledger.write(Chain(key).fill(3))
    ended = verify(THROUGHLINE_KEY_LIST="")
    assert (ended.code, "no list of keys" in ended.err) == (2, True)


def test_a_list_of_something_else_is_no_list_of_keys(ledger: Ledger, verify: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"version": 1, "keys": [{"id": "00"}]}')
    assert verify("--keys", str(tmp_path / "odd.json")).code == 2


def test_an_elasticsearch_that_is_away_is_unreachable(ledger: Ledger, verify: Run) -> None:
    ended = verify(ELASTICSEARCH_URL="http://127.0.0.1:1")
    assert (ended.code, "does not answer" in ended.err) == (3, True)


def test_an_empty_store_is_sound(ledger: Ledger, run: Run) -> None:
    ended = run("verify", "--json", "--namespace", "nobody-writes-here")
    assert (ended.code, ended.whole["records"]) == (0, 0)


def test_no_document_however_odd_keeps_the_rest_from_being_verified(
    ledger: Ledger, run: Run, verify: Run, chain: Chain
) -> None:
    first = chain.records[3]["attributes"][names.RECORD_ID]
    ledger.delete(chain, [3], kind="content")
    named = {names.AUDIT_RECORDS: [first], names.CHAIN_ID: chain.id, names.CHAIN_SEQUENCE: 7}
    erased = {"@timestamp": "1795433146990.0", "event_name": names.CONTENT_ERASED}
    stated = {"@timestamp": "1795433146990.0", "event_name": names.CHAIN_CHECKPOINT}
    odd = (
        {**erased, "attributes": {names.AUDIT_RECORDS: first}},
        {**erased, "attributes": {**named, names.CHAIN_ID: [chain.id, "f" * 32]}},
        {**erased, "attributes": {**named, names.CHAIN_SEQUENCE: [7, 8]}},
        {**erased, **{f"attributes.{name}": value for name, value in named.items()}},
        {**erased, "attributes": named, "resource": []},
        {**stated, "attributes": {**named, names.CHECKPOINT_STATEMENT: ["{}"]}},
        {**stated, "attributes": {**named, names.CHECKPOINT_STATEMENT: "[]"}},
        {**erased, "event_name": names.CHAIN_GAP, "attributes": {**named, names.GAP_FROM: 1, names.GAP_TO: "x"}},
        {**erased, "attributes": {**named, names.CHAIN_SALTED: 7, names.RECORD_TIME_UNIX_NANO: "soon"}},
    )
    for number, document in enumerate(odd):
        ledger.insert(document, f"odd-{number}", kind="audit")
    ended = verify()
    assert (ended.code, ended.ids("missing content")) == (1, [first])
    assert ended.found["wrong signature"] == 2
    assert ended.found["inserted"] >= 5
    assert ended.whole["records"] == 35
    exported = run("export", "--namespace", ledger.namespace, "--since", "2000d", "--out", "odd.zip", "--json")
    assert exported.code == 1
    assert exported.lines[0]["failing"] == 6


def test_two_processes_find_what_one_finds(
    ledger: Ledger, verify: Run, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("throughline.records.verification.verifying._ALONE", 1)
    monkeypatch.setattr("throughline.records.verification.verifying._PART", 20)
    chain = Chain(key).fill(95)
    ledger.write(chain, Chain(key).fill(12), Chain(key).fill(30))
    exchange = (
        "def at = ctx._source.attributes['throughline.chain.sequence'];"
        "ctx._source.attributes['throughline.chain.sequence'] = at == 3 ? 77 : 3"
    )
    ledger.update(chain, [3, 77], exchange)
    ledger.update(chain, [3, 77], exchange, kind="content")
    ledger.delete(chain, [*range(35, 65), 94])
    one, two = verify("--processes", "1"), verify("--processes", "2")
    assert one.found == {"missing": 30, "reordered": 2, "truncated tail": 1, "not tied": 5 + 4}
    assert one.places("missing") == [(35, 64)]
    assert (two.code, two.found) == (1, one.found)
    assert {**two.whole, "seconds": 0} == {**one.whole, "seconds": 0}


def test_nothing_of_content_is_told(ledger: Ledger, run: Run, chain: Chain) -> None:
    ledger.update(chain, [14], SET, kind="content", name=names.OUTPUT_MESSAGES, value="a secret")
    ledger.update(chain, [15], SET, name=names.USER_ID, value="a secret")
    ended = run("verify", "--namespace", ledger.namespace)
    assert ended.code == 1
    assert "secret" not in ended.out + ended.err
    assert "NOT SOUND" in ended.out
    assert "next:" in ended.out
