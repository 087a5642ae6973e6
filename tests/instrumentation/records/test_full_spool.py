"""A journal whose spool is full: the chain tells of each record that is not in it, whatever the owner decided."""

from __future__ import annotations

import threading
from dataclasses import replace

import grpc
import pytest
from instrumentation.records.chained import EVENT, RESOURCE, linked_on_disk, on_disk, put
from instrumentation.records.receiving import Receiver, plain, until
from throughline import names
from throughline.records.journal import Journal
from throughline.settings import Settings, WhenFull


def full(settings: Settings, when_full: WhenFull) -> Settings:
    return replace(settings, spool_bytes=65_536, spool_when_full=when_full)


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_the_oldest_make_room_and_the_chain_says_which(settings: Settings) -> None:
    journal = Journal.open(full(settings, WhenFull.DROP_OLDEST), RESOURCE)
    assert all(put(journal, *range(300), size=1_000))
    ((_, records),) = on_disk(settings).items()
    journal.close(0)
    places = linked_on_disk(records)
    gaps = [record["attributes"] for record in records if record["event"] == names.CHAIN_GAP]
    missing = set(range(places[-1] + 1)) - set(places)
    declared = {place for gap in gaps for place in range(gap[names.GAP_FROM], gap[names.GAP_TO] + 1)}
    assert declared == missing
    assert all(gap[names.GAP_COUNT] == gap[names.GAP_TO] - gap[names.GAP_FROM] + 1 for gap in gaps)
    assert places == list(range(places[0], places[-1] + 1))
    assert records[-1]["attributes"]["number"] == 299
    assert settings.spool
    assert sum(path.stat().st_size for path in settings.spool.glob("*/*.frames")) <= 65_536


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_the_chain_says_what_stood_before_the_dropped_ones(settings: Settings) -> None:
    journal = Journal.open(full(settings, WhenFull.DROP_OLDEST), RESOURCE)
    assert all(put(journal, *range(5), size=1_000))
    ((_, before),) = on_disk(settings).items()
    ledger = journal._current()
    assert ledger
    ledger.spool.settle(ledger.spool.oldest(2_000_000, 2)[-1])  # as if the Collector had taken two
    assert all(put(journal, *range(5, 100), size=1_000))
    ((_, records),) = on_disk(settings).items()
    journal.close(0)
    gaps = [record["attributes"] for record in records if record["event"] == names.CHAIN_GAP]
    said = {(gap[names.GAP_FROM], gap[names.GAP_PREVIOUS]) for gap in gaps}
    assert said == {(2, before[1]["attributes"][names.CHAIN_DIGEST])}


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_refused_records_are_counted_once_there_is_room(settings: Settings) -> None:
    journal = Journal.open(full(settings, WhenFull.REFUSE), RESOURCE)
    assert all(put(journal, *range(100), size=1_000))  # taken care of, kept or not
    ledger = journal._current()
    assert ledger
    ((_, before),) = on_disk(settings).items()
    refused = 100 - len(before)
    assert refused > 0
    ledger.spool._segments.limit = 200_000  # as if the Collector had taken some
    put(journal, 100)
    ((_, records),) = on_disk(settings).items()
    journal.close(0)
    assert linked_on_disk(records) == list(range(len(before) + 2))
    assert [record["event"] for record in records[-2:]] == [names.CHAIN_GAP, EVENT]
    gap = records[-2]["attributes"]
    assert gap[names.GAP_COUNT] == refused
    assert names.GAP_FROM not in gap


def test_a_call_waits_for_room_where_the_owner_wants_it(settings: Settings, receiver: Receiver) -> None:
    receiver.judge = lambda _: grpc.StatusCode.UNAVAILABLE
    journal = Journal.open(full(settings, WhenFull.BLOCK), RESOURCE)
    done = threading.Event()

    def work() -> None:
        assert all(put(journal, *range(100), size=1_000))
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: journal._ledger is not None and journal._ledger.spool.waiting_bytes > 60_000)
    assert not done.wait(0.2)
    receiver.judge = lambda _: None
    assert done.wait(60)
    thread.join()
    assert journal.flush(30)
    (chain,) = {plain(record)[names.CHAIN_ID] for record in receiver.records}
    journal.close(10)
    assert sorted(set(receiver.sequences(chain, EVENT))) == list(range(100))


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_a_record_larger_than_the_spool_drives_no_other_out(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal.open(full(settings, WhenFull.DROP_OLDEST), RESOURCE)
    assert put(journal, 0, 1) == [True, True]
    assert put(journal, 2, 3, size=100_000) == [False, False]
    assert put(journal, 4) == [True]
    ((_, records),) = on_disk(settings).items()
    journal.close(0)
    assert [record["attributes"].get("number") for record in records] == [0, 1, 4]
    assert caplog.text.count("does not fit") == 1
