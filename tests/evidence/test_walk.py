"""Any single change of what a record proves is found, wherever it is; Hypothesis chooses, without Elasticsearch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from evidence.ledger import Chain, call
from evidence.signing import Document, Key, now
from hypothesis import given, settings
from hypothesis import strategies as st
from throughline import names
from throughline.records import proof
from throughline.records.verification.places import joined
from throughline.records.verification.spans import Boundary, Report, Span, Terms
from throughline.records.verification.walk import Walk

CHAIN = Chain(Key()).fill(12, every=4)
TERMS = Terms(now(), 0, 0, 0, 0, 0)
FREE = ("throughline.chain.", "redaction.", "throughline.mask.second_pass")
VALUES = st.one_of(
    st.text(max_size=3),
    st.integers(-3, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.integers(0, 2), max_size=2),
)


def hits(documents: list[Document], index: str = "one") -> Iterator[Any]:
    """As a search returns them."""
    ordered = sorted(documents, key=lambda document: document["attributes"][names.CHAIN_SEQUENCE])
    for document in ordered:
        attributes = document["attributes"]
        key = [attributes[names.CHAIN_ID], attributes[names.CHAIN_SEQUENCE]]
        source = orjson.loads(orjson.dumps(document))
        yield {"_id": attributes[names.RECORD_ID], "_index": index, "_source": source, "sort": key}


def walked(records: list[Document], contents: list[Document]) -> Report:
    boundaries = [
        Boundary(each["sequence"], bytes.fromhex(each["digest"]), int(each["time"]), int(each["from"]), each["key"])
        for each in CHAIN.statements
        if each["kind"] == "interval"
    ]
    span = Span(CHAIN.id, -1, proof.GENESIS, tuple(boundaries), is_open=True)
    report = Report()
    Walk(span, report, TERMS, contents=True).run(joined(hits(records), hits(contents)))
    return report


def is_sound(report: Report) -> bool:
    return report.tally.is_sound and not (report.suspects or report.holes or report.lacking)


def test_unchanged_it_is_sound() -> None:
    report = walked(CHAIN.records, CHAIN.contents)
    assert is_sound(report)
    assert (report.proven, report.read, report.contents) == (12, 12, 12)
    assert not report.tally.groups


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_any_changed_attribute_is_found(data: st.DataObject) -> None:
    records, contents = copy.deepcopy(CHAIN.records), copy.deepcopy(CHAIN.contents)
    documents = data.draw(st.sampled_from([records, contents]))
    document = data.draw(st.sampled_from(documents))
    attributes = document["attributes"]
    moving = {names.CHAIN_ID, names.CHAIN_SEQUENCE, names.RECORD_ID}  # what it is found by: tested where it is stored
    name = data.draw(st.sampled_from([*sorted(attributes.keys() - moving), "added.by.somebody"]))
    before = copy.deepcopy(attributes)
    if name in attributes and data.draw(st.booleans()):
        del attributes[name]
    else:
        attributes[name] = data.draw(VALUES)
    if _canonical(before) != _canonical(attributes):
        assert not is_sound(walked(records, contents))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_change_inside_a_value_is_found(data: st.DataObject) -> None:
    """A character of any text, a digit of any number, however deep."""
    records, contents = copy.deepcopy(CHAIN.records), copy.deepcopy(CHAIN.contents)
    document = data.draw(st.sampled_from([*records, *contents]))
    leaves = list(_leaves(document["attributes"])) + list(_leaves(document["resource"]["attributes"]))
    moving = {names.CHAIN_ID, names.CHAIN_SEQUENCE, names.RECORD_ID, "telemetry.sdk.language"}
    value, put = data.draw(st.sampled_from([(leaf, put) for name, leaf, put in leaves if name not in moving]))
    if isinstance(value, str):
        at = data.draw(st.integers(0, max(len(value) - 1, 0)))
        put(f"{value[:at]}{chr(ord(value[at : at + 1] or 'a') ^ 1)}{value[at + 1 :]}")
    else:
        put(value + 1)
    assert not is_sound(walked(records, contents))


@given(st.sets(st.integers(0, 11), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_is_deleted_is_found_missing(gone: set[int]) -> None:
    kept = [record for number, record in enumerate(CHAIN.records) if number not in gone]
    contents = [content for number, content in enumerate(CHAIN.contents) if number not in gone]
    report = walked(kept, contents)
    missing = [place for hole in report.holes for place in range(hole.first, hole.last + 1)]
    assert missing == sorted(gone)
    assert not report.tally.groups
    assert report.proven + sum(len(run.digests) for run in report.runs) == 12 - len(gone)


@given(st.permutations(range(12)))
@settings(max_examples=60, deadline=None)
def test_any_order_but_the_right_one_is_found(order: list[int]) -> None:
    records = copy.deepcopy(CHAIN.records)
    for record, sequence in zip(records, order, strict=True):
        record["attributes"][names.CHAIN_SEQUENCE] = sequence
    wrong = sum(place != sequence for place, sequence in enumerate(order))
    assert len(walked(records, []).suspects) == wrong


def test_large_numbers_survive_the_reading() -> None:
    assert call(1).attributes[names.REQUEST_SEED] > proof.EXACT
    changed = copy.deepcopy(CHAIN.records)
    changed[3]["attributes"][names.REQUEST_SEED] += 1
    assert [suspect.sequence for suspect in walked(changed, CHAIN.contents).suspects] == [3]


@pytest.mark.parametrize("broken", [None, [], "text", 7, {"attributes": None}])
def test_what_is_no_document_is_no_crash(broken: Any) -> None:
    records = copy.deepcopy(CHAIN.records)
    records[3]["resource"] = broken
    assert not is_sound(walked(records, CHAIN.contents))


def _canonical(attributes: Document) -> str:
    return proof.canonical(attributes)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any, Callable[[Any], None]]]:
    """Each text and number inside, with what changes it."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in items:
        within = name or str(key)
        if isinstance(inside, dict | list):
            yield from _leaves(inside, within)
        elif isinstance(inside, str | int | float):
            yield within, inside, lambda new, at=key: value.__setitem__(at, new)
