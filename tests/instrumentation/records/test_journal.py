"""Records kept as evidence: chained whatever threads, full disks, forks and interrupts do, and closed at the end."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from instrumentation.records.receiving import Receiver, plain, serving, until
from throughline import names
from throughline.records import frames, keys, proof
from throughline.records.journal import Journal, UnusableFolderError
from throughline.records.keys import Purpose
from throughline.settings import Settings, WhenFull

RESOURCE = {"service.name": "s", "service.instance.id": "u"}
EVENT = names.CLIENT_INFERENCE_OPERATION_DETAILS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key = tmp_path / "own.pem"
    key.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SIGNING)))
    return Settings(spool=tmp_path / "spool", signing_key_file=key, anchor=f"file://{tmp_path}/anchor")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Collector is away."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    own = Receiver()
    with serving(own) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        yield own


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    own = Journal.open(settings, RESOURCE)
    yield own
    own.close(0)


def put(journal: Journal, *numbers: int, size: int = 0, **attributes: Any) -> list[bool]:
    return [
        journal.append(EVENT, {"number": number, "text": "x" * size, **attributes}, time=1_000 + number, trace_id=1)
        for number in numbers
    ]


def on_disk(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Chain → what waits of it in the spool."""
    assert settings.spool
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(settings.spool.glob("*/*.frames")):
        records = [json.loads(frame.payload) for frame in frames.whole(path.read_bytes())]
        found.setdefault(path.parent.name, []).extend(records)
    return found


def linked(documents: list[dict[str, Any]]) -> list[int]:
    """The places of these, of which each has the digest of what it is, and names that of the one before."""
    previous = None
    apart = {*proof.CONTENT, proof.CONTENT_SALT}
    for document in documents:
        record = document["attributes"]
        own = {name: value for name, value in record.items() if name not in apart}
        before = bytes.fromhex(record[names.CHAIN_PREVIOUS])
        assert proof.digest(before, proof.body({**document, "attributes": own})).hex() == record[names.CHAIN_DIGEST]
        if previous is not None and record[names.CHAIN_SEQUENCE] == previous[names.CHAIN_SEQUENCE] + 1:
            assert record[names.CHAIN_PREVIOUS] == previous[names.CHAIN_DIGEST]
        previous = record
    return [document["attributes"][names.CHAIN_SEQUENCE] for document in documents]


def received(receiver: Receiver) -> list[dict[str, Any]]:
    """What came, as documents; those of checkpoints, too."""
    return [
        {
            "attributes": plain(record),
            "event_name": record.event_name,
            "trace_id": record.trace_id.hex(),
            "span_id": record.span_id.hex(),
            "resource": {"attributes": plain(of.resource)},
            "time": record.time_unix_nano,
        }
        for of in receiver.resources
        for scope in of.scope_logs
        for record in scope.log_records
    ]


def linked_on_disk(records: list[dict[str, Any]]) -> list[int]:
    """The same of what waits in the spool."""
    resource = {"attributes": RESOURCE}
    return linked(
        [
            {**record, "event_name": record["event"], "trace_id": record["trace"], "resource": resource}
            for record in records
        ]
    )


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


# --- a full spool ---------------------------------------------------------------------------------------------------


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
    import grpc

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


# --- interrupts, closes, failures -----------------------------------------------------------------------------------


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
    journal._sender._next_look = 0.0  # rather than in half a minute
    put(journal, 3)
    until(lambda: any(_kind(record) == "recovered" for record in receiver.records))
    journal.close(30)
    sequences = receiver.sequences(ledger.chain.id, EVENT)
    assert set(sequences) == ({0, 1} if written else {0})
    assert receiver.sequences(another.chain.id, EVENT) == [0, 1]
    ends = {plain(record)[names.CHAIN_ID]: _kind(record) for record in receiver.records if _kind(record) != "opened"}
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
        ({"signing_key_file": None}, "THROUGHLINE_ANCHOR needs THROUGHLINE_SIGNING_KEY_FILE"),
        ({"signing_key_file": short}, "THROUGHLINE_SIGNING_KEY_FILE"),
        ({"spool_key_file": short}, "THROUGHLINE_SPOOL_KEY_FILE"),
        ({"spool_key_file": tmp_path / "none"}, "THROUGHLINE_SPOOL_KEY_FILE"),
        ({"anchor": "/no/url"}, "THROUGHLINE_ANCHOR"),
    ):
        with pytest.raises(ValueError, match=said) as raised:
            Journal.open(replace(settings, **changed), RESOURCE)  # type: ignore[arg-type]
        assert "c2VjcmV0" not in str(raised.value)
