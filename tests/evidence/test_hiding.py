"""What hides in a real Elasticsearch from who follows chains, or excuses what is gone; each is found all the same."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from evidence.conftest import Run
from evidence.ledger import SET, Chain, Entry, Ledger, call, gap, statement_document
from evidence.signing import Document, Key, now
from throughline import names
from throughline.records import proof

pytestmark = pytest.mark.stack
Attack = Callable[[Ledger, Chain], None]
LINKS = (names.CHAIN_ID, names.CHAIN_SEQUENCE)


def without_links(document: Document) -> Document:
    kept = {name: value for name, value in document["attributes"].items() if name not in LINKS}
    return {**document, "attributes": kept}


def other_record(chain: Chain, **attributes: Any) -> Document:
    record = chain.records[3]
    return {**record, "attributes": {**record["attributes"], names.RECORD_ID: uuid.uuid4().hex * 2, **attributes}}


def other_statement(chain: Chain, **attributes: Any) -> Document:
    document = statement_document(chain.statements[1])
    return {**document, "attributes": {**document["attributes"], **attributes}}


def other_content(chain: Chain, **attributes: Any) -> Document:
    content = chain.contents[3]
    return {**content, "attributes": {**content["attributes"], **attributes}}


def appended(chain: Chain, entry: Entry) -> Chain:
    """The chain with one record more, made now, which nobody signed."""
    other = Chain(None, id=chain.id, previous=chain.previous, length=chain.length)
    other.add(replace(entry, time=now()))
    return other


# --- documents that no chain's places lead to -----------------------------------------------------------------------


def record_before_the_first(ledger: Ledger, chain: Chain) -> None:
    ledger.insert(other_record(chain, **{names.CHAIN_SEQUENCE: -5}))


def statement_before_the_first(ledger: Ledger, chain: Chain) -> None:
    ledger.insert(other_statement(chain, **{names.CHAIN_SEQUENCE: -7}), "it", kind="audit")


def content_before_the_first(ledger: Ledger, chain: Chain) -> None:
    ledger.insert(other_content(chain, **{names.CHAIN_SEQUENCE: -3}), "it", kind="content")


def record_that_is_a_statement_too(ledger: Ledger, chain: Chain) -> None:
    record = without_links(other_record(chain))
    ledger.insert({**record, "event_name": [record["event_name"], names.CHAIN_CHECKPOINT]})


def statement_of_no_chain(ledger: Ledger, chain: Chain) -> None:
    ledger.insert(without_links(other_statement(chain, **{names.COST_AMOUNT: 5.0})), "it")


def content_of_no_chain(ledger: Ledger, chain: Chain) -> None:
    ledger.insert(without_links(other_content(chain)), "it", kind="content")


@pytest.mark.parametrize(
    "attack",
    [
        record_before_the_first,
        statement_before_the_first,
        content_before_the_first,
        record_that_is_a_statement_too,
        statement_of_no_chain,
        content_of_no_chain,
    ],
)
def test_what_has_no_place_in_a_chain_is_named(ledger: Ledger, verify: Run, chain: Chain, attack: Attack) -> None:
    attack(ledger, chain)
    for ended in (verify(), verify("--since", "2h")):
        assert (ended.code, ended.found) == (1, {"outside of any chain": 1})


def test_content_of_a_chain_that_nobody_knows_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.insert(other_content(chain, **{names.CHAIN_ID: "ab" * 16}), "it", kind="content")
    ended = verify()
    assert (ended.code, ended.found, ended.ids("inserted content")) == (1, {"inserted content": 1}, ["it"])


# --- more in a document than its digest knows -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("ctx._source['attributes.user.id'] = 'eve'", "attributes.user.id"),
        ("ctx._source['resource.attributes.service.name'] = 'eve'", "resource.attributes.service.name"),
        ("ctx._source.resource['attributes.service.name'] = 'eve'", "resource.attributes.service.name"),
        ("ctx._source.resource.attributes['service'] = ['name': 'eve']", "resource.attributes.service"),
        ("ctx._source.body = ['text': 'eve asked']", "body"),
        ("ctx._source.attributes['redaction.note'] = 'eve asked'", "redaction.note"),
        ("ctx._source.attributes['throughline.chain.note'] = 'eve asked'", "throughline.chain.note"),
        ("ctx._source.attributes['throughline.mask.second_pass'] = 'eve asked'", "throughline.mask.second_pass"),
        ("ctx._source.attributes['throughline.mask.second_pass'] = 4111", "throughline.mask.second_pass"),
        ("ctx._source.attributes['throughline.mask.second_pass'] = false", "throughline.mask.second_pass"),
    ],
)
def test_what_is_shown_beside_a_record_is_named(
    ledger: Ledger, verify: Run, chain: Chain, script: str, what: str
) -> None:
    ledger.update(chain, [14], script)
    ended = verify()
    assert (ended.code, ended.found, ended.places("altered")) == (1, {"altered": 1}, [(14, 14)])
    assert ended.what("altered") == [f"{what}, which is none of its own"]


def test_a_sum_of_counts_that_do_not_add_up_to_it_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    counts = "ctx._source.attributes['redaction.masked.count'] = 1; ctx._source.attributes[params.name] = params.value"
    ledger.update(chain, [14], counts, name=names.MASK_SECOND_PASS, value=4111)
    ended = verify()
    assert (ended.code, ended.places("masked in transit")) == (1, [(14, 14)])


@pytest.mark.parametrize("value", [3, "eve asked"])
def test_content_has_no_count_of_its_own(ledger: Ledger, verify: Run, chain: Chain, value: object) -> None:
    ledger.update(chain, [14], SET, kind="content", name=names.MASK_SECOND_PASS, value=value)
    ended = verify()
    assert (ended.code, ended.found) == (1, {"altered content": 1})


def test_what_is_shown_beside_content_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], "ctx._source['attributes.gen_ai.input.messages'] = 'eve'", kind="content")
    ended = verify()
    assert (ended.code, ended.found) == (1, {"altered content": 1})


@pytest.mark.parametrize("change", [{"event_name": [names.CHAIN_CHECKPOINT, "other"]}, {"cost": 5.0}])
def test_a_record_does_not_pass_for_the_copy_of_a_statement(
    ledger: Ledger, verify: Run, chain: Chain, change: Document
) -> None:
    document = other_statement(chain, **({names.COST_AMOUNT: change.pop("cost")} if "cost" in change else {}))
    ledger.insert({**document, **change}, "it", kind="audit")
    ended = verify()
    assert (ended.code, ended.found, ended.ids("rebuilt statement")) == (1, {"rebuilt statement": 1}, ["it"])


def test_salted_digests_that_are_no_list_prove_nothing(ledger: Ledger, verify: Run, chain: Chain) -> None:
    """An object's keys look like the list; taken for none, nobody would miss what it lists."""
    script = """
        Map keys = new HashMap();
        for (each in ctx._source.attributes[params.salted]) { keys[each] = null }
        ctx._source.attributes[params.salted] = keys;
        for (each in params.gone) { ctx._source.attributes.remove(each) }
    """
    ledger.update(chain, [14], script, salted=names.CHAIN_SALTED, gone=[names.USER_ID, names.CONVERSATION_ID])
    ledger.delete(chain, [14], kind="content")
    ended = verify()
    assert (ended.code, ended.places("altered")) == (1, [(14, 14)])


def test_zeros_at_the_end_of_a_salt_are_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.update(chain, [14], "ctx._source.attributes[params.name] += '00'", name=names.CHAIN_SALT)
    ended = verify()
    assert (ended.code, ended.found, ended.places("altered")) == (1, {"altered": 1}, [(14, 14)])


# --- other streams --------------------------------------------------------------------------------------------------


def test_a_record_moved_to_another_stream_is_named(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.delete(chain, [14])
    ledger.insert(chain.records[14], kind="evaluation")
    ended = verify()
    assert (ended.code, ended.found) == (1, {"altered": 1})
    assert ended.what("altered") == [f"it stands in {ledger.stream('evaluation')}"]


def test_a_copy_in_another_stream_is_no_redelivery(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.insert(chain.records[14], kind="operation")
    ended = verify()
    assert ended.code == 1
    assert ended.found["doubled"] == 1


def test_a_copy_that_is_only_alike_is_no_redelivery(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.rollover()
    record = chain.records[14]
    ledger.insert({**record, "attributes": {**record["attributes"], names.DURATION: True}})  # it was 1.0
    ended = verify()
    assert (ended.code, ended.found) == (1, {"inserted": 1})


def test_a_chain_in_two_namespaces_is_named(ledger: Ledger, run: Run, chain: Chain) -> None:
    elsewhere = Ledger(ledger.client, ledger.anchor, f"{ledger.namespace}-other")
    ledger.delete(chain, [14])
    elsewhere.insert(chain.records[14])
    said = f"{ledger.namespace}, {elsewhere.namespace}"
    try:
        for options in ((), ("--chain", chain.id), ("--chain", chain.id, "--since", "2h")):
            ended = run("verify", "--json", "--namespace", f"{ledger.namespace}*", *options)
            assert (ended.code, ended.found, ended.what("in two namespaces")) == (1, {"in two namespaces": 1}, [said])
    finally:
        elsewhere.remove()


# --- gaps and youth as excuses --------------------------------------------------------------------------------------


def test_a_closed_chain_takes_no_record_however_young(ledger: Ledger, verify: Run, chain: Chain) -> None:
    ledger.write(appended(chain, call(99, content=False)), anchored=False)
    ended = verify()
    assert (ended.code, ended.found) == (1, {"inserted": 1})


def test_an_unsigned_gap_excuses_nothing(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key).fill(30, close=None, content=False)
    ledger.write(chain)
    assert verify().code == 0
    ledger.delete(chain, range(5, 9))
    ledger.write(appended(chain, gap(5, 8, 4)), anchored=False)
    ended = verify()
    assert (ended.code, ended.places("missing")) == (1, [(5, 8)])


def test_a_gap_that_ties_to_no_statement_excuses_nothing(ledger: Ledger, verify: Run, key: Key) -> None:
    chain = Chain(key).fill(35, content=False)
    ledger.write(chain)
    previous = bytes.fromhex(chain.records[13]["attributes"][names.CHAIN_DIGEST])
    other = Chain(None, id=chain.id, previous=previous, length=14)
    other.add(replace(gap(15, 15, 1), time=chain.records[14]["attributes"][names.RECORD_TIME_UNIX_NANO]))
    ledger.delete(chain, [14, 15])
    ledger.write(other, anchored=False)
    ended = verify()
    assert (ended.code, ended.places("missing")) == (1, [(15, 15)])


def full_spool(key: Key) -> Chain:
    """Signed at 9, 13 to 16 dropped, which the record at 18 tells of."""
    chain = Chain(key).fill(18, close=None, content=False)
    chain.add(gap(13, 16, 4, chain.records[12]["attributes"][names.CHAIN_DIGEST]))
    chain.state("closed")
    return chain


def rewritten(ledger: Ledger, chain: Chain, first: int, last: int) -> None:
    """These records anew, in good order among themselves and after the one before."""
    previous = bytes.fromhex(chain.records[first - 1]["attributes"][names.CHAIN_DIGEST])
    other = Chain(None, id=chain.id, start=chain.start, previous=previous, length=first)
    other.add(*(call(number, content=False, user="eve") for number in range(first, last + 1)))
    ledger.write(other, anchored=False)


@pytest.mark.parametrize("last", [12, 14])
def test_what_stands_before_a_gap_cannot_be_rewritten(ledger: Ledger, verify: Run, key: Key, last: int) -> None:
    chain = full_spool(key)
    ledger.write(chain)
    ledger.delete(chain, range(10, 17))
    rewritten(ledger, chain, 10, last)
    ended = verify()
    assert (ended.code, ended.found["rebuilt"], ended.places("rebuilt")) == (1, 3, [(10, 12)])
    assert ended.found == {"rebuilt": 3, "dropped by a full spool": 16 - last} | ({"not tied": 2} if last > 12 else {})


# --- documents that keep a reader from reading ----------------------------------------------------------------------


def deep_record(ledger: Ledger, chain: Chain) -> None:
    value: Any = 1
    for _ in range(900):
        value = [value]
    ledger.insert(other_record(chain, deep=value))


def half_a_character(ledger: Ledger, chain: Chain) -> None:
    written = json.dumps(other_record(chain, half="HALF")).replace("HALF", "\\ud800")
    ledger.client.perform_request(
        "PUT",
        f"/{ledger.stream('record')}/_create/it?refresh=true",
        body=written.encode(),
        headers={"content-type": "application/json", "accept": "application/json"},
    )


def deep_statement(ledger: Ledger, chain: Chain) -> None:
    ledger.insert(other_statement(chain, **{names.CHECKPOINT_STATEMENT: "[" * 100_000}), "it", kind="audit")


def statement_of_a_time_that_never_comes(ledger: Ledger, chain: Chain) -> None:
    written = proof.canonical({**chain.statements[1], "time": "9" * 40})
    ledger.insert(other_statement(chain, **{names.CHECKPOINT_STATEMENT: written}), "it", kind="audit")


@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        (deep_record, "inserted"),
        (half_a_character, "inserted"),
        (deep_statement, "wrong signature"),
        (statement_of_a_time_that_never_comes, "wrong signature"),
    ],
)
def test_a_document_that_cannot_be_judged_hides_no_other(
    ledger: Ledger, verify: Run, chain: Chain, attack: Attack, kind: str
) -> None:
    attack(ledger, chain)
    for ended in (verify(), verify("--since", "2h")):
        assert (ended.code, ended.found) == (1, {kind: 1})
