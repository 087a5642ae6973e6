"""Records kept as evidence: chained whatever threads, full disks, forks and interrupts do, and closed at the end."""

from __future__ import annotations

import json
import logging
import random
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from instrumentation.records.chained import EVENT, RESOURCE, linked, linked_on_disk, on_disk, put, received
from instrumentation.records.receiving import Receiver, plain, until
from throughline import names
from throughline.records import keys, proof
from throughline.records.journal import Journal, UnusableFolderError
from throughline.settings import Settings, WhenFull


def test_records_and_statements_arrive_and_nothing_is_left(settings: Settings, receiver: Receiver) -> None:
    journal = Journal.open(replace(settings, checkpoint_records=2), RESOURCE)
    assert put(journal, 0, 1, 2, **{names.USER_ID: "ada", names.INPUT_MESSAGES: [{"role": "user"}]}) == [True] * 3
    assert journal.flush(30)
    journal.close(30)
    assert settings.spool
    assert [path.name for path in settings.spool.iterdir()] == []
    records = [document for document in received(receiver) if document["event_name"] == EVENT]
    assert linked(records) == [0, 1, 2]
    attributes = [document["attributes"] for document in records]
    assert attributes[0][names.CHAIN_PREVIOUS] == proof.GENESIS.hex()
    assert [document["time"] for document in records] == [1_000, 1_001, 1_002]
    sent = [plain(record) for record in receiver.records if record.event_name == names.CHAIN_CHECKPOINT]
    statements = [json.loads(record[names.CHECKPOINT_STATEMENT]) for record in sent]
    assert [each["kind"] for each in statements][:: len(statements) - 1] == ["opened", "closed"]
    assert statements[-1]["sequence"] == 2
    assert statements[-1]["digest"] == attributes[-1][names.CHAIN_DIGEST]
    assert settings.signing_key_file
    public = keys.public_bytes(keys.read_private_key(settings.signing_key_file))
    assert all(proof.signed_by(public, each) for each in statements)
    assert settings.anchor
    anchored = [json.loads(path.read_text()) for path in Path(settings.anchor[7:]).glob("*/*.json")]
    assert sorted(anchored, key=lambda each: str(each["time"])) == statements


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_threads_share_one_chain_without_a_hole(journal: Journal, settings: Settings) -> None:
    def work(start: int) -> None:
        for number in range(start, start + 100):
            put(journal, number)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 800, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((_, records),) = on_disk(settings).items()
    assert linked_on_disk(records) == list(range(800))
    assert sorted(record["attributes"]["number"] for record in records) == list(range(800))


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_without_a_key_records_are_chained_and_nothing_is_stated(settings: Settings) -> None:
    journal = Journal.open(replace(settings, signing_key_file=None, anchor=None), RESOURCE)
    put(journal, 0, 1)
    journal.close(0)
    ((_, records),) = on_disk(settings).items()
    assert linked_on_disk(records) == [0, 1]
    assert settings.spool
    assert not list(settings.spool.glob("*/statements/*.json"))


@pytest.mark.parametrize("written", [True, False])
def test_after_an_interrupt_another_chain_goes_on(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    journal = Journal.open(settings, RESOURCE)
    put(journal, 0)
    ledger = journal._current()
    assert ledger
    append = ledger.spool.append

    def interrupted(*args: Any) -> None:
        if written:
            append(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger.spool, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(journal, 1)
    put(journal, 2)
    another = journal._current()
    assert another is not None
    assert another.chain.id != ledger.chain.id
    put(journal, 3)

    def recovered() -> bool:
        journal._sender._next_look = 0.0  # rather than in half a minute
        journal.deliver_left_over()
        return any(_kind(record) == "recovered" for record in receiver.records)

    until(recovered)
    journal.close(30)
    sequences = receiver.sequences(ledger.chain.id, EVENT)
    assert set(sequences) == ({0, 1} if written else {0})
    assert receiver.arrived(another.chain.id, EVENT) == [0, 1]
    kinds = [(plain(record)[names.CHAIN_ID], _kind(record)) for record in receiver.records]
    ends = {chain: kind for chain, kind in kinds if kind not in (None, "opened")}
    assert ends == {ledger.chain.id: "recovered", another.chain.id: "closed"}


def _kind(record: Any) -> str | None:
    found = plain(record).get(names.CHECKPOINT_STATEMENT)
    return json.loads(found)["kind"] if found else None


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_after_the_close_nothing_is_taken(journal: Journal, settings: Settings) -> None:
    put(journal, 0)
    journal.close(0)
    assert put(journal, 1) == [False]
    ((chain, records),) = on_disk(settings).items()
    assert linked_on_disk(records) == [0]
    assert settings.spool
    kinds = [json.loads(path.read_text())["kind"] for path in settings.spool.glob(f"{chain}/statements/*.json")]
    assert "closed" in kinds or list(Path(str(settings.anchor)[7:]).glob("*/*-closed.json"))


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_after_the_close_at_exit_a_chain_is_written_for_which_nobody_waits(settings: Settings) -> None:
    journal = Journal.open(replace(settings, spool_bytes=20_000, spool_when_full=WhenFull.BLOCK, anchor=None), RESOURCE)
    put(journal, 0)
    journal.close(0, at_exit=True)
    assert put(journal, *range(1, 9), size=4_000) == [True] * 8  # more than there is room for
    assert not journal.flush(1_000)  # the test's own time-out is shorter
    journal.close(1_000)
    assert put(journal, 9) == [False]
    first, late = sorted(on_disk(settings).values(), key=lambda records: bool(records[-1]["attributes"].get("text")))
    assert linked_on_disk(first) == [0]
    assert linked_on_disk(late)
    assert late[-1]["attributes"]["number"] == 8
    assert any(record["event"] == names.CHAIN_GAP for record in late)


@pytest.mark.complains  # that the Collector is away
@pytest.mark.usefixtures("nobody")
def test_a_folder_that_vanishes_costs_one_warning_and_records_go_another_way(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal.open(settings, RESOURCE)
    assert settings.spool
    settings.spool.rmdir()
    settings.spool.write_text("a file in its place")
    assert put(journal, 0, 1, 2) == [False] * 3
    journal.close(0)
    (said,) = [record for record in caplog.records if "SDK's way" in record.getMessage()]
    assert said.levelno == logging.WARNING


def test_a_folder_that_cannot_be_used_is_said_at_the_start(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UnusableFolderError, match="may write to, or say `off`"):
            Journal.open(replace(settings, spool=folder), RESOURCE)


@pytest.mark.parametrize(
    ("missing", "changed"),
    [
        ("cryptography", {}),
        ("fsspec.registry", {}),
        ("cryptography", {"signing_key_file": None, "anchor": None, "spool_key_file": Path("key")}),
    ],
)
def test_what_has_to_be_installed_is_said_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, missing: str, changed: dict[str, Any]
) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{missing}.") or name == missing]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ValueError, match=r"pip install 'throughline\[evidence\]'"):
        Journal.open(replace(settings, **changed), RESOURCE)


def test_settings_that_make_no_sense_are_said_at_the_start(settings: Settings, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("c2VjcmV0")
    for changed, said in (
        ({"spool": None}, "THROUGHLINE_SPOOL"),
        ({"signing_key_file": short}, "THROUGHLINE_SIGNING_KEY_FILE"),
        ({"spool_key_file": short}, "THROUGHLINE_SPOOL_KEY_FILE"),
        ({"spool_key_file": tmp_path / "none"}, "THROUGHLINE_SPOOL_KEY_FILE"),
        ({"anchor": "/no/url"}, "THROUGHLINE_ANCHOR"),
    ):
        with pytest.raises(ValueError, match=said) as raised:
            Journal.open(replace(settings, **changed), RESOURCE)  # type: ignore[arg-type]
        assert "c2VjcmV0" not in str(raised.value)


@pytest.mark.complains
def test_an_anchor_without_a_key_is_a_verifiers_and_keeps_nothing_off(
    settings: Settings, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal.open(replace(settings, signing_key_file=None), RESOURCE)
    assert put(journal, 0) == [True]
    journal.close(30)
    assert len(received(receiver)) == 1
    assert "THROUGHLINE_ANCHOR has no effect without THROUGHLINE_SIGNING_KEY_FILE" in caplog.text


def test_the_applications_random_numbers_are_its_own(settings: Settings, receiver: Receiver) -> None:
    random.seed(7)
    expected = [random.random() for _ in range(3)]  # noqa: S311 - no secret
    random.seed(7)
    journal = Journal.open(settings, RESOURCE)
    put(journal, 0)
    journal.close(30)
    assert receiver.records
    assert [random.random() for _ in range(3)] == expected  # noqa: S311 - no secret
