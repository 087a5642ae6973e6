"""The sender, against a real OTLP receiver: what is in a spool arrives, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from instrumentation.records.receiving import Receiver, plain, serving, until
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as messages
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from throughline import names
from throughline.records.left_over import status
from throughline.records.sender import Sender
from throughline.records.spool import Head, Spool

CHAIN = "0123456789abcdef0123456789abcdef"
RESOURCE = {"service.name": "shop", "process.pid": 7, "process.command_args": ["a", "b"]}
KEY = bytes(range(32))
EVENT = names.CLIENT_INFERENCE_OPERATION_DETAILS
Senders = Callable[..., Sender]


@pytest.fixture
def senders(tmp_path: Path) -> Iterator[Senders]:
    """Make senders of the test's root, which are closed at the end."""
    made: list[Sender] = []

    def make(**options: Any) -> Sender:
        made.append(Sender(tmp_path, **{"pause": 0.02, **options}))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def created(root: Path, chain: str = CHAIN, key: bytes | None = None, limit: int = 50_000_000) -> Spool:
    return Spool.create(root, chain, RESOURCE, limit=limit, fsync=False, key=key)


def append(spool: Spool, *sequences: int, **attributes: Any) -> None:
    for sequence in sequences:
        spool.append(Head(sequence, sequence.to_bytes(32, "big")), payload(spool.chain_id, sequence, **attributes))


def payload(chain: str, sequence: int, **attributes: Any) -> bytes:
    record = {
        "event": EVENT,
        "time": 1_700_000_000_000_000_000 + sequence,
        "trace": f"{sequence + 1:032x}",
        "span": f"{sequence + 1:016x}",
        "attributes": {names.CHAIN_ID: chain, names.CHAIN_SEQUENCE: sequence, **attributes},
    }
    return json.dumps(record).encode()


def statement(sequence: int, kind: str = "interval", chain: str = CHAIN) -> dict[str, Any]:
    return {
        "chain": chain,
        "digest": f"{sequence + 1:064x}",
        "from": "1",
        "key": "k" * 16,
        "kind": kind,
        "sequence": sequence,
        "service": "shop",
        "signature": "c2lnbmVk",
        "time": "1700000000000000123",
        "version": 1,
    }


# --- what arrives -------------------------------------------------------------------------------------------------


def test_a_record_arrives_as_the_sdk_would_send_it(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    messages = [
        {"role": "user", "parts": [{"content": "h\u00e9 \U0001f600", "n": [1, 2.5, None, [True]], "empty": {}}]}
    ]
    spool = created(tmp_path)
    senders().serve(spool)
    append(spool, 0, **{names.INPUT_MESSAGES: messages, names.START_TIME_UNIX_NANO: 1_700_000_000_000_000_001})
    assert spool.flush(40)
    (record,) = receiver.records
    assert (record.event_name, record.severity_number, record.time_unix_nano) == (EVENT, 9, 1_700_000_000_000_000_000)
    assert (record.trace_id.hex(), record.span_id.hex(), record.flags) == (f"{1:032x}", f"{1:016x}", 1)
    assert plain(record) == {
        names.CHAIN_ID: CHAIN,
        names.CHAIN_SEQUENCE: 0,
        names.INPUT_MESSAGES: messages,
        names.START_TIME_UNIX_NANO: 1_700_000_000_000_000_001,
    }
    (of,) = receiver.resources
    assert plain(of.resource) == RESOURCE  # type: ignore[arg-type] # has attributes, too
    assert [scope.scope.name for scope in of.scope_logs] == ["throughline"]


def test_what_protobuf_cannot_say_costs_that_alone(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    spool = created(tmp_path)
    senders().serve(spool)
    append(spool, 0, half="\ud800!", long=2**70, listed=[{"\udfff": -(2**64)}])
    assert spool.flush(40)
    found = plain(receiver.records[0])
    assert {name: found[name] for name in ("half", "long", "listed")} == {
        "half": "\ufffd!",
        "long": str(2**70),
        "listed": [{"\ufffd": str(-(2**64))}],
    }


def test_many_arrive_once_in_order_and_in_batches(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    spool = created(tmp_path)
    append(spool, *range(1_500))
    append(spool, 1_500, large="x" * 2_500_000)
    append(spool, *range(1_501, 1_510))
    senders().serve(spool)
    assert spool.flush(30)
    assert receiver.sequences(CHAIN) == list(range(1_510))
    assert max(map(len, receiver.requests)) == 512
    assert [1_500] in [[plain(record)[names.CHAIN_SEQUENCE] for record in request] for request in receiver.requests]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_records_sealed_at_rest_arrive_readable(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    spool = created(tmp_path, key=KEY)
    senders(key=KEY).serve(spool)
    append(spool, 0, said="something")
    assert spool.flush(40)
    assert plain(receiver.records[0])["said"] == "something"


# --- the Collector's troubles -------------------------------------------------------------------------------------


@pytest.mark.complains
def test_what_waited_for_the_collector_arrives_when_it_is_back(
    tmp_path: Path, senders: Senders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, spool = Receiver(), created(tmp_path)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with serving(receiver) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        senders().serve(spool)
        append(spool, 0, said="secret")
        assert spool.flush(40)
    append(spool, *range(1, 20), said="secret")
    assert not spool.flush(1.5)
    assert spool.waiting_bytes
    with serving(receiver, port):
        assert spool.flush(20)
    assert list(dict.fromkeys(receiver.sequences(CHAIN))) == list(range(20))
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == ["records wait on disk: the Collector cannot be reached, or takes none (said once)"]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL])
@pytest.mark.complains
def test_a_lost_answer_makes_it_come_twice_and_never_not_at_all(
    tmp_path: Path, receiver: Receiver, senders: Senders, code: grpc.StatusCode
) -> None:
    lost = [code]
    receiver.lose = lambda _: lost.pop() if lost else None
    spool = created(tmp_path)
    append(spool, 0, 1, 2)
    senders().serve(spool)
    assert spool.flush(40)
    assert len(receiver.requests) >= 2
    first, *others = receiver.requests
    assert [plain(record) for record in first] == [json.loads(payload(CHAIN, at))["attributes"] for at in range(3)]
    assert {record.SerializeToString() for request in others for record in request} == {
        record.SerializeToString() for record in first
    }


@pytest.mark.complains
def test_refused_records_are_set_aside_and_hold_up_none(
    tmp_path: Path, receiver: Receiver, senders: Senders, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {0, 7, 8, 41}

    def judge(records: list[LogRecord]) -> grpc.StatusCode | None:
        refuse = any(plain(record)[names.CHAIN_SEQUENCE] in bad for record in records)
        return grpc.StatusCode.INVALID_ARGUMENT if refuse else None

    receiver.judge = judge
    spool = created(tmp_path)
    append(spool, *range(50), said="secret")
    sender = senders()
    sender.serve(spool)
    assert spool.flush(30)
    assert set(receiver.sequences(CHAIN)) == set(range(50)) - bad
    assert sender.counts.refused == len(bad)
    assert status(tmp_path).refused == len(bad)
    assert {path.name for path in (tmp_path / "refused").glob("*.frame")} == {
        f"{CHAIN}-{sequence:012d}.frame" for sequence in bad
    }
    assert "secret" not in caplog.text


@pytest.mark.complains
def test_nothing_is_set_aside_while_all_is_refused(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    receiver.judge = lambda _: grpc.StatusCode.INVALID_ARGUMENT
    spool = created(tmp_path)
    sender = senders()
    sender.serve(spool)
    append(spool, *range(5))
    until(lambda: receiver.refused > 12)
    assert (sender.counts.refused, sender.counts.delivered) == (0, 0)
    receiver.judge = lambda _: None
    assert spool.flush(40)
    assert receiver.sequences(CHAIN)[-5:] == list(range(5))


def test_http_is_spoken_where_asked_for(
    tmp_path: Path, senders: Senders, monkeypatch: pytest.MonkeyPatch, http_receiver: tuple[str, list[bytes]]
) -> None:
    url, bodies = http_receiver
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    spool = created(tmp_path)
    senders().serve(spool)
    append(spool, 0, said="something")
    assert spool.flush(40)
    assert b"something" in bodies[0]


@pytest.mark.complains
def test_a_protocol_that_is_none_is_said_and_loses_nothing(
    tmp_path: Path, senders: Senders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke/signals")
    spool = created(tmp_path)
    senders().serve(spool)
    append(spool, 0)
    until(lambda: "may be grpc or http/protobuf" in caplog.text)
    assert "may be grpc or http/protobuf" in caplog.text
    assert spool.waiting_bytes


# --- statements ---------------------------------------------------------------------------------------------------


def test_statements_are_sent_and_anchored(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    anchored: list[Mapping[str, Any]] = []
    spool = created(tmp_path)
    senders(anchor=anchored.append).serve(spool)
    given = [statement(-1, "opened"), statement(3), statement(3, "closed")]
    for one in given:
        spool.add_statement(one)
    assert spool.flush(40)
    assert sorted(anchored, key=str) == sorted(given, key=str)
    sent = {(of := plain(record))[names.RECORD_ID]: (record.event_name, of) for record in receiver.records}
    assert sent.keys() == {f"{CHAIN}{0:015x}0", f"{CHAIN}{4:015x}0", f"{CHAIN}{4:015x}1"}
    event, attributes = sent[f"{CHAIN}{4:015x}1"]
    assert event == names.CHAIN_CHECKPOINT
    assert json.loads(attributes.pop(names.CHECKPOINT_STATEMENT)) == given[2]
    assert attributes == {
        names.RECORD_ID: f"{CHAIN}{4:015x}1",
        names.CHAIN_ID: CHAIN,
        names.CHAIN_SEQUENCE: 3,
        names.CHECKPOINT_CLOSED: True,
        names.SIGNING_KEY_ID: "k" * 16,
        names.RECORD_TIME_UNIX_NANO: 1_700_000_000_000_000_123,
    }


@pytest.mark.complains
def test_an_anchor_that_is_away_holds_up_no_record_and_is_tried_again(
    tmp_path: Path, receiver: Receiver, senders: Senders
) -> None:
    anchored: list[Mapping[str, Any]] = []
    away = [True]

    def anchor(given: Mapping[str, Any]) -> None:
        if away:
            raise OSError("away")
        anchored.append(given)

    spool = created(tmp_path)
    senders(anchor=anchor).serve(spool)
    spool.add_statement(statement(0))
    append(spool, 0)
    until(lambda: len(receiver.records) == 2)
    assert {record.event_name for record in receiver.records} == {EVENT, names.CHAIN_CHECKPOINT}
    assert not spool.is_drained
    away.clear()
    assert spool.flush(40)
    assert anchored == [statement(0)]
    assert len(receiver.records) == 2


# --- the dead -----------------------------------------------------------------------------------------------------


def in_child(work: Callable[[], None]) -> int:
    """Fork a child that does this and then ends at once, without pytest's own end."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def test_what_a_killed_process_had_appended_arrives_once_and_in_order(
    tmp_path: Path, receiver: Receiver, senders: Senders
) -> None:
    told, tell = os.pipe()

    def append_until_killed() -> None:
        spool = created(tmp_path, limit=10**9)
        for sequence in range(10**6):
            append(spool, sequence, padding="x" * (sequence % 5_000))
            os.write(tell, b".")

    child = in_child(append_until_killed)
    os.close(tell)
    returned = len(os.read(told, 1))
    while returned < 2_000:
        returned += len(os.read(told, 1_000))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(told, 65_536):
        returned += len(more)
    os.close(told)
    recovered: list[tuple[Any, ...]] = []

    def close_chain(*known: Any) -> dict[str, Any]:
        recovered.append(known)
        return statement(known[1].sequence, "recovered")

    sender = senders(recovered=close_chain)
    sender.start()
    until(lambda: not list(tmp_path.iterdir()), 60)
    found = receiver.sequences(CHAIN, EVENT)
    assert found == list(range(len(found)))
    assert returned <= len(found) <= returned + 1
    last = len(found) - 1
    assert recovered == [(CHAIN, Head(last, last.to_bytes(32, "big")), RESOURCE, 1_700_000_000_000_000_000 + last)]
    assert receiver.sequences(CHAIN, names.CHAIN_CHECKPOINT) == [last]
    assert list(tmp_path.iterdir()) == []


def test_a_chain_closed_by_its_own_process_is_not_closed_again(
    tmp_path: Path, receiver: Receiver, senders: Senders
) -> None:
    spool = created(tmp_path)
    append(spool, 0)
    spool.add_statement(statement(0, "closed"))
    spool.close()
    recovered: list[Any] = []
    senders(recovered=lambda *known: recovered.append(known)).start()
    until(lambda: not spool.folder.exists())
    assert not spool.folder.exists()
    assert recovered == []
    assert sorted(receiver.sequences(CHAIN)) == [0, 0]


def test_of_two_living_processes_one_adopts(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    chains = [f"{number:032x}" for number in range(1, 21)]
    for chain in chains:
        spool = created(tmp_path, chain)
        append(spool, *range(20))
        spool.close()

    def deliver() -> None:
        Sender(tmp_path, pause=0.02).start()
        until(lambda: not any((tmp_path / chain).exists() for chain in chains))

    child = in_child(deliver)
    senders().start()
    until(lambda: not any((tmp_path / chain).exists() for chain in chains))
    assert os.waitpid(child, 0)[1] == 0
    assert {chain: receiver.sequences(chain) for chain in chains} == {chain: list(range(20)) for chain in chains}


def test_a_living_process_keeps_its_chain(tmp_path: Path, receiver: Receiver, senders: Senders) -> None:
    asked, ask = os.pipe()
    told, tell = os.pipe()

    def hold() -> None:
        spool = created(tmp_path)
        append(spool, 0)
        os.write(tell, b".")
        os.read(asked, 1)

    child = in_child(hold)
    assert os.read(told, 1) == b"."
    dead = created(tmp_path, "f" * 32)
    append(dead, 0)
    dead.close()
    assert {chain.id: chain.is_alive for chain in status(tmp_path).chains} == {CHAIN: True, "f" * 32: False}
    senders().start()
    until(lambda: not dead.folder.exists())
    assert not dead.folder.exists()
    assert receiver.sequences(CHAIN) == []
    (chain,) = status(tmp_path).chains
    assert (chain.id, chain.service, chain.is_alive, chain.waiting_records) == (CHAIN, "shop", True, 1)
    os.write(ask, b".")
    os.waitpid(child, 0)
    senders().start()
    until(lambda: not (tmp_path / CHAIN).exists())
    assert receiver.sequences(CHAIN) == [0]


@pytest.mark.complains
def test_a_chain_under_a_key_unknown_is_left_alone_and_counted(
    tmp_path: Path, receiver: Receiver, senders: Senders
) -> None:
    spool = created(tmp_path, key=KEY)
    append(spool, 0)
    spool.close()
    stranger = senders(key=bytes(32))
    stranger.start()
    until(lambda: stranger.counts.unknown_key)
    assert stranger.counts.unknown_key == 1
    assert [chain.waiting_records for chain in status(tmp_path).chains] == [1]
    senders(key=KEY).start()
    until(lambda: not spool.folder.exists())
    assert receiver.sequences(CHAIN) == [0]


def test_a_forked_child_sends_its_own_and_leaves_its_parents_alone(
    tmp_path: Path, senders: Senders, monkeypatch: pytest.MonkeyPatch, http_receiver: tuple[str, list[bytes]]
) -> None:
    url, bodies = http_receiver
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")  # gRPC is not for both sides of a fork
    spool, sender = created(tmp_path), senders()
    sender.serve(spool)
    append(spool, 0)
    assert spool.flush(40)
    append(spool, 1)  # perhaps on its way

    def go_on() -> None:
        with pytest.raises(OSError, match="closed"):
            append(spool, 2)
        own = created(tmp_path, "c" * 32)
        sender.serve(own)
        append(own, 0, 1)
        assert own.flush(20)
        own.close()

    child = in_child(go_on)
    append(spool, 2)
    assert os.waitpid(child, 0)[1] == 0
    assert spool.flush(40)
    receiver = Receiver()
    for body in bodies:
        receiver.keep(messages.ExportLogsServiceRequest.FromString(body))
    assert receiver.sequences("c" * 32) == [0, 1]
    assert receiver.sequences(CHAIN) == [0, 1, 2]


@pytest.mark.complains
def test_the_end_is_not_waited_for_long_and_the_rest_is_the_next_ones(
    tmp_path: Path, receiver: Receiver, senders: Senders
) -> None:
    receiver.judge = lambda _: grpc.StatusCode.UNAVAILABLE
    spool, sender = created(tmp_path), senders()
    sender.serve(spool)
    append(spool, 0, 1)
    spool.close(0.3)
    sender.close()
    assert [chain.is_alive for chain in status(tmp_path).chains] == [False]
    receiver.judge = lambda _: None
    senders().start()
    until(lambda: not spool.folder.exists())
    assert receiver.sequences(CHAIN) == [0, 1]


AT_ONCE = """
import atexit, sys
from pathlib import Path
from throughline.records.sender import Sender
from throughline.records.spool import Head, Spool

spool = Spool.create(Path(sys.argv[1]), "a" * 32, {}, limit=10**6, fsync=False, key=None)
sender = Sender(Path(sys.argv[1]))
sender.serve(spool)
atexit.register(lambda: (spool.close(20), sender.close()))
spool.append(Head(0, bytes(32)), sys.argv[2].encode())
"""


def test_a_process_that_ends_at_once_delivers_at_its_exit(tmp_path: Path, receiver: Receiver) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", AT_ONCE, tmp_path, payload("a" * 32, 0)], check=True, capture_output=True, text=True
    )
    assert receiver.sequences("a" * 32) == [0]
    assert list(tmp_path.iterdir()) == []
    assert ended.stderr == ""
