"""Each way to falsify the evidence, done to a real Elasticsearch as who may write there can, and found by its name."""

from __future__ import annotations

import copy

import pytest
from evidence.conftest import Run
from evidence.ledger import SET, Chain, Ledger, call, identity, tombstone
from evidence.signing import Key, now
from throughline import names
from throughline.records import proof

pytestmark = pytest.mark.stack
CUT = "ctx._source.attributes.remove(params.name)"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (names.REQUEST_MODEL, "large"),
        (names.USAGE_INPUT_TOKENS, 1),
        (names.COST_AMOUNT, 0.5),
        (names.ERROR_TYPE, "added"),
        (names.USER_ID, "eve"),
        (names.SESSION_ID, "added"),
        (names.CHAIN_SALT, "00"),
        (names.CHAIN_DIGEST, "00" * 32),
        (names.CHAIN_PREVIOUS, "00" * 32),
        (names.CHAIN_SALTED, []),
        (names.OUTPUT_MESSAGES, "content where none belongs"),
    ],
)
def test_an_altered_record_is_named(ledger: Ledger, verify: Run, chain: Chain, name: str, value: object) -> None:
    ledger.update(chain, [14], SET, name=name, value=value)
    ended = verify()
    assert ended.code == 1
    assert set(ended.found) <= {"altered", "altered content"}
    assert ended.ids("altered") == [identity(chain, 14)]
    assert ended.places("altered") == [(14, 14)]


@pytest.mark.parametrize("field", ["trace_id", "span_id", "event_name", "resource.attributes['service.name']"])
def test_what_stands_beside_the_attributes_counts(ledger: Ledger, verify: Run, chain: Chain, field: str) -> None:
    ledger.update(chain, [14], f"ctx._source.{field} = 'other'")
    ended = verify()
    assert ended.code == 1
    assert ended.places("altered") == [(14, 14)]


@pytest.mark.parametrize("sequence", [0, 9, 10, 34])
def test_the_ends_of_segments_are_no_weak_places(ledger: Ledger, verify: Run, chain: Chain, sequence: int) -> None:
    ledger.update(chain, [sequence], SET, name=names.REQUEST_MODEL, value="large")
    ended = verify()
    assert (ended.code, ended.found, ended.places("altered")) == (1, {"altered": 1}, [(sequence, sequence)])


def test_an_altered_record_with_a_new_digest_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    changed = copy.deepcopy(chain.records[14])
    changed["attributes"][names.REQUEST_MODEL] = "large"
    digest = proof.digest(bytes.fromhex(changed["attributes"][names.CHAIN_PREVIOUS]), proof.body(changed))
    ledger.update(chain, [14], SET, name=names.REQUEST_MODEL, value="large")
    ledger.update(chain, [14], SET, name=names.CHAIN_DIGEST, value=digest.hex())
    ended = verify()
    assert (ended.code, ended.found) == (1, {"altered": 1, "not tied": 4})
    assert ended.ids("altered") == [identity(chain, 14)]
    assert ended.what("altered") == ["its digest was made anew"]


def test_an_altered_time_stamp_is_told_apart(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], "ctx._source['@timestamp'] = '1795433146990.0'")
    ended = verify()
    assert (ended.code, ended.places("altered time stamp")) == (1, [(14, 14)])
    assert ended.found == {"altered time stamp": 1, "altered content": 1}  # its content document says another time


def test_altered_content_is_told_apart(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], SET, kind="content", name=names.OUTPUT_MESSAGES, value=[{"role": "assistant"}])
    ledger.update(chain, [15], CUT, kind="content", name=names.INPUT_MESSAGES)
    ledger.update(chain, [16], CUT, kind="content", name=names.CONTENT_SALT)
    ledger.update(chain, [17], SET, kind="content", name=names.TOOL_DEFINITIONS, value=[])
    ledger.update(chain, [18], SET, kind="content", name="customer.secret", value=1)
    ledger.update(chain, [19], "ctx._source.trace_id = 'f'", kind="content")
    ended = verify()
    assert ended.code == 1
    assert set(ended.found) == {"altered content"}
    assert sorted({first for first, _ in ended.places("altered content")}) == [14, 15, 16, 17, 18, 19]
    assert sorted(ended.what("altered content")) == [
        "customer.secret",
        names.INPUT_MESSAGES,
        f"{names.INPUT_MESSAGES}, {names.OUTPUT_MESSAGES}",
        names.OUTPUT_MESSAGES,
        names.TOOL_DEFINITIONS,
        "trace_id",
    ]
    assert verify("--metadata-only").code == 0


def test_deleted_records_are_missing(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, [14, 15, 16, 22])
    ended = verify()
    assert (ended.code, ended.found["missing"]) == (1, 4)
    assert ended.places("missing") == [(14, 16), (22, 22)]
    assert ended.places("not tied") == [(10, 13), (20, 21)]
    assert set(ended.found) == {"missing", "not tied"}


def test_a_deleted_first_record_is_missing(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, [0])
    assert (verify().code, verify().found) == (1, {"missing": 1})


def test_a_record_hidden_from_the_order_is_missing(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], CUT, name=names.CHAIN_SEQUENCE)
    ended = verify()
    assert (ended.places("missing"), ended.ids("outside of any chain")) == ([(14, 14)], [identity(chain, 14)])


def test_deleted_content_without_a_tombstone_is_missing(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, [14], kind="content")
    ended = verify()
    assert (ended.code, ended.found, ended.ids("missing content")) == (
        1,
        {"missing content": 1},
        [identity(chain, 14)],
    )


@pytest.mark.parametrize("by", ["signing", "nobody", "forged"])
def test_a_tombstone_needs_an_operators_signature(
    ledger: Ledger, verify: Run, chain: Chain, key: Key, operator: Key, by: str
) -> None:
    tomb = Chain({"signing": key, "nobody": None, "forged": operator}[by], start=now() - 10 * 60 * 10**9)
    if tomb.key:
        tomb.state("opened")
    tomb.add(tombstone("0" * 48 if by == "forged" else identity(chain, 14)), tombstone("1" * 48))
    if tomb.key:
        tomb.state("closed")
    ledger.write(tomb)
    if by == "forged":  # a lawful tombstone made to name another record
        ledger.update(tomb, [0], SET, kind="audit", name=names.AUDIT_RECORDS, value=[identity(chain, 14)])
    ledger.delete(chain, [14], kind="content")
    ended = verify()
    assert (ended.code, ended.ids("missing content")) == (1, [identity(chain, 14)])
    assert "erased lawfully" not in ended.found


def test_identities_erased_without_a_tombstone_are_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], CUT, name=names.USER_ID)
    ended = verify()
    assert (ended.code, ended.found, ended.ids("altered")) == (1, {"altered": 1}, [identity(chain, 14)])
    assert "tombstone" in ended.what("altered")[0]


@pytest.mark.parametrize(("one", "other"), [(14, 22), (14, 15), (9, 10), (3, 33)])
def test_exchanged_records_are_reordered(ledger: Ledger, verify: Run, chain: Chain, one: int, other: int) -> None:
    exchange = (
        "def at = ctx._source.attributes['throughline.chain.sequence'];"
        "ctx._source.attributes['throughline.chain.sequence'] = at == params.one ? params.other : params.one"
    )
    ledger.update(chain, [one, other], exchange, one=one, other=other)
    ledger.update(chain, [one, other], exchange, kind="content", one=one, other=other)
    ended = verify()
    assert (ended.code, ended.found["reordered"]) == (1, 2)
    assert set(ended.found) == {"reordered"} | ({"not tied"} if one == 9 else set())  # 9 was signed
    assert ended.what("reordered") == [f"it belongs at {other}", f"it belongs at {one}"]
    assert ended.ids("reordered") == [identity(chain, other), identity(chain, one)]


def test_a_record_that_was_moved_away_is_reordered(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], SET, name=names.CHAIN_SEQUENCE, value=1_000_000)
    ended = verify()
    assert (ended.code, ended.what("reordered")) == (1, ["it belongs at 14"])
    assert set(ended.found) == {"reordered", "not tied"}


def test_an_extra_record_at_a_taken_place_is_inserted(ledger: Ledger, verify: Run, chain: Chain) -> None:
    forged = copy.deepcopy(chain.records[14])
    forged["attributes"] |= {names.RECORD_ID: "f" * 48, names.REQUEST_MODEL: "large"}
    previous = bytes.fromhex(forged["attributes"][names.CHAIN_PREVIOUS])
    forged["attributes"][names.CHAIN_DIGEST] = proof.digest(previous, proof.body(forged)).hex()
    ledger.insert(forged)
    ended = verify()
    assert (ended.code, ended.found, ended.ids("inserted")) == (1, {"inserted": 1}, ["f" * 48])


def test_a_record_behind_the_end_is_inserted(ledger: Ledger, verify: Run, chain: Chain) -> None:
    chain.add(call(99))
    chain.records[-1]["attributes"].pop(names.CHAIN_SALTED)
    ledger.insert(chain.records[-1])
    assert verify().found.keys() <= {"inserted", "altered", "not yet signed or stored"}
    assert verify().code == 1


def test_a_well_linked_record_behind_the_end_is_inserted(ledger: Ledger, verify: Run, chain: Chain) -> None:
    chain.add(call(99, content=False))
    ledger.insert(chain.records[-1])
    ended = verify()
    assert (ended.code, ended.found, ended.places("inserted")) == (1, {"inserted": 1}, [(35, 35)])


def test_extra_content_is_inserted(ledger: Ledger, verify: Run, chain: Chain) -> None:
    extra = copy.deepcopy(chain.contents[14])
    ledger.insert(extra, "e" * 48, kind="content")
    bare = Chain(chain.key).fill(3, content=False)
    ledger.write(bare)
    extra["attributes"] |= {names.CHAIN_ID: bare.id, names.CHAIN_SEQUENCE: 1, names.RECORD_ID: identity(bare, 1)}
    ledger.insert(extra, kind="content")
    ended = verify()
    assert (ended.code, ended.ids("inserted content")) == (1, ["e" * 48])
    assert set(ended.ids("altered content")) == {identity(bare, 1)}


def test_a_record_outside_of_any_chain_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    forged = copy.deepcopy(chain.records[14])
    forged["attributes"] = {names.RECORD_ID: "f" * 48, names.REQUEST_MODEL: "large"}
    ledger.insert(forged)
    ended = verify()
    assert (ended.code, ended.found, ended.ids("outside of any chain")) == (1, {"outside of any chain": 1}, ["f" * 48])


def test_a_chain_that_nobody_signed_is_unknown(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.write(Chain(None).fill(12))
    ended = verify()
    assert (ended.code, ended.found) == (1, {"unknown chain": 12})


def test_a_record_of_a_time_to_come_does_not_wait_for_its_statement_for_ever(
    ledger: Ledger, verify: Run, chain: Chain
) -> None:
    ledger.write(Chain(None, start=now() + 10**17).fill(3))
    assert (verify().code, verify().found) == (1, {"unknown chain": 3})


def test_a_log_without_keys_is_unsigned(ledger: Ledger, verify: Run) -> None:
    ledger.write(Chain(None).fill(12))
    ended = verify(THROUGHLINE_KEY_LIST="", THROUGHLINE_ANCHOR="")
    assert (ended.code, ended.found, ended.whole["proven"]) == (1, {"unsigned": 12}, 0)


def test_a_record_indexed_again_is_doubled(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.insert(chain.records[14], "f" * 48)
    ended = verify()
    assert (ended.code, ended.found, ended.ids("doubled")) == (1, {"doubled": 1}, ["f" * 48])


def test_a_record_under_another_id_is_altered(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, [14])
    ledger.insert(chain.records[14], "f" * 48)
    ended = verify()
    assert (ended.code, "_id is not the record's" in ended.what("altered")) == (1, True)


def test_another_version_of_a_record_in_another_index_is_inserted(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.rollover()
    forged = copy.deepcopy(chain.records[14])
    forged["attributes"][names.REQUEST_MODEL] = "large"
    ledger.insert(forged)
    ended = verify()
    assert (ended.code, ended.found, ended.places("inserted")) == (1, {"inserted": 1}, [(14, 14)])


def test_a_cut_tail_is_truncated(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, range(28, 35))
    ended = verify()
    assert (ended.code, ended.places("truncated tail")) == (1, [(28, 34)])
    assert set(ended.found) == {"truncated tail", "not tied"}


def test_a_tail_cut_with_its_statements_is_truncated(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, range(28, 35))
    ledger.delete_statements(chain, range={"attributes.throughline.chain.sequence": {"gte": 28}})
    ended = verify()
    assert (ended.code, ended.places("truncated tail")) == (1, [(28, 34)])
    assert ended.found["missing statement"] == 2


def test_a_removed_chain_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.write(Chain(chain.key).fill(3))
    ledger.delete(chain, range(35))
    ledger.delete(chain, range(35), kind="content")
    assert verify().found == {"removed chain": 35}
    assert ledger.delete_statements(chain) == 5
    ended = verify()
    assert (ended.code, ended.found) == (1, {"removed chain": 35, "missing statement": 5})
    assert verify("--since", "1d").found == ended.found


def test_masked_in_transit_is_told_apart(ledger: Ledger, verify: Run, chain: Chain) -> None:
    mark = (
        "ctx._source.attributes['redaction.masked.count'] = 1;"
        "ctx._source.attributes['redaction.body.masked.count'] = 2;"
        "ctx._source.attributes['throughline.mask.second_pass'] = 3;"
    )
    ledger.update(chain, [14], mark + SET, name=names.ERROR_TYPE, value="****")
    ledger.update(chain, [15], mark, name="", value="")
    ledger.update(chain, [15], SET, kind="content", name=names.OUTPUT_MESSAGES, value="****")
    ended = verify()
    assert (ended.code, set(ended.found)) == (1, {"masked in transit"})
    assert {first for first, _ in ended.places("masked in transit")} == {14, 15}
    assert "throughline.mask.second_pass" not in str(ended.what("masked in transit"))


@pytest.mark.parametrize("counted", [True, False])
def test_counts_of_the_second_pass_alone_alter_no_record(
    ledger: Ledger, verify: Run, chain: Chain, counted: bool
) -> None:
    """As where it masked what no digest holds; what was stored by an older Collector has no sum of them."""
    script = "ctx._source.attributes['redaction.masked.count'] = 2;"
    if counted:
        script += "ctx._source.attributes['throughline.mask.second_pass'] = 2;"
    ledger.update(chain, [14], script)
    assert (verify().code, verify().found) == (0, {})
