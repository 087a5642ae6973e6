"""Whole processes that keep their records as evidence: at exit, forked, killed; each chain once, none mixed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from instrumentation.records.chained import linked, received
from instrumentation.records.receiving import Receiver, plain, serving
from throughline import names
from throughline.records import keys
from throughline.records.keys import Purpose

EVENT = names.CLIENT_INFERENCE_OPERATION_DETAILS
PREAMBLE = f"""
    import os, sys, threading
    sys.path.insert(0, {str(Path(__file__).parents[2])!r})
    from instrumentation.openai_client import wire
    import throughline
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor
    logs = LoggerProvider(Resource({{"service.name": "s", "service.instance.id": "u"}}))
    logs.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))
    throughline.instrument(logger_provider=logs)
    whole = wire.client(wire.answering(lambda: wire.json_response(wire.chat_reply())))
    chunks = wire.client(wire.answering(lambda: wire.stream_response(wire.event_stream(wire.chat_chunks("a", "b")))))
    def ask(model, **more):
        return (chunks if more else whole).chat.completions.create(model=model, messages=wire.MESSAGES, **more)
"""


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, int]]:
    own = Receiver()
    with serving(own) as port:
        yield own, port


def variables(folder: Path, port: int) -> dict[str, str]:
    key = folder / "own.pem"
    if not key.exists():
        key.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SIGNING)))
    return {
        "PATH": os.environ["PATH"],
        "THROUGHLINE_SPOOL": str(folder / "spool"),
        "THROUGHLINE_SIGNING_KEY_FILE": str(key),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
    }


def run(script: str, folder: Path, port: int, before: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    program = textwrap.dedent(before) + textwrap.dedent(PREAMBLE) + textwrap.dedent(script)
    return subprocess.run(
        [sys.executable, "-c", program], env={**variables(folder, port), **more},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def chains(receiver: Receiver) -> dict[str, list[str]]:
    """Chain → the models of its records, in their order, which are linked; each counted once."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for document in received(receiver):
        attributes = document["attributes"]
        if document["event_name"] != names.CHAIN_CHECKPOINT:
            found.setdefault(attributes[names.CHAIN_ID], {})[attributes[names.CHAIN_SEQUENCE]] = document
    models = {}
    for chain, records in found.items():
        documents = [records[place] for place in sorted(records)]
        assert linked(documents) == list(range(len(documents)))
        models[chain] = [_about(document["attributes"]) for document in documents]
    return models


def _about(attributes: dict[str, Any]) -> str:
    return str(attributes.get(names.REQUEST_MODEL) or attributes.get(names.EVALUATION_NAME))


def ends(receiver: Receiver) -> dict[str, tuple[str, int]]:
    """Chain → kind and place of its last statement."""
    found = {}
    for record in receiver.records:
        if record.event_name == names.CHAIN_CHECKPOINT:
            statement = json.loads(plain(record)[names.CHECKPOINT_STATEMENT])
            if statement["kind"] in ("closed", "recovered"):
                found[statement["chain"]] = (statement["kind"], statement["sequence"])
    return found


def test_at_exit_open_streams_are_recorded_before_the_chain_is_closed(
    tmp_path: Path, receiver: tuple[Receiver, int]
) -> None:
    own, port = receiver
    done = run(
        """
        ask("whole")
        begun = ask("open", stream=True)
        next(begun)
        throughline.evaluate("quality", score=1.0)
        """,
        tmp_path,
        port,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "hroughline" not in done.stderr  # the client itself complains of its open stream
    ((chain, models),) = chains(own).items()
    assert models == ["whole", "quality", "open"]
    assert ends(own) == {chain: ("closed", 2)}
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_comes_after_the_exits_close_has_a_chain_that_the_next_process_delivers(
    tmp_path: Path, receiver: tuple[Receiver, int]
) -> None:
    own, port = receiver
    done = run(
        """
        ask("whole")
        def work():
            closed.wait()
            throughline.evaluate("thread", score=1.0)
            finished.set()
        threading.Thread(target=work, daemon=True).start()
        """,
        tmp_path,
        port,
        before="""
        import atexit, threading
        closed, finished = threading.Event(), threading.Event()
        def late():
            throughline.evaluate("handler", score=1.0)
            closed.set()
            finished.wait()
            throughline.uninstrument()
        atexit.register(late)
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(chains(own).values()) == [["whole"]]
    await_delivery(tmp_path, port)
    found = chains(own)
    assert {tuple(found[chain]): end for chain, end in ends(own).items()} == {
        ("whole",): ("closed", 0),
        ("handler", "thread"): ("recovered", 1),
        ("next",): ("closed", 0),
    }


def test_a_second_instrumenting_does_not_close_before_streams_end(
    tmp_path: Path, receiver: tuple[Receiver, int]
) -> None:
    own, port = receiver
    done = run(
        """
        list(ask("first", stream=True))
        throughline.uninstrument()
        throughline.instrument(logger_provider=logs)
        begun = ask("open", stream=True)
        next(begun)
        """,
        tmp_path,
        port,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(chains(own).values()) == [["first"], ["open"]]
    assert sorted(ends(own).values()) == [("closed", 0), ("closed", 0)]


def test_every_worker_has_a_chain_of_its_own(tmp_path: Path, receiver: tuple[Receiver, int]) -> None:
    """As with `gunicorn --preload`: forked before there is any record."""
    own, port = receiver
    done = run(
        """
        workers = []
        for number in range(3):
            if (worker := os.fork()) == 0:
                ask(f"worker {number}")
                ask(f"worker {number}, again")
                sys.exit(0)
            workers.append(worker)
        for worker in workers:
            os.waitpid(worker, 0)
        """,
        tmp_path,
        port,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(chains(own).values()) == [[f"worker {number}", f"worker {number}, again"] for number in range(3)]
    assert sorted(ends(own).values()) == [("closed", 1)] * 3
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_child_goes_on_in_another_chain_than_its_parent(tmp_path: Path, receiver: tuple[Receiver, int]) -> None:
    own, port = receiver
    done = run(
        """
        stop = threading.Event()
        def work():
            while not stop.is_set():
                throughline.evaluate("parent", score=1.0)  # not by the client, whose own locks do not survive a fork
        busy = threading.Thread(target=work)
        busy.start()
        for number in range(20):
            if (worker := os.fork()) == 0:
                throughline.evaluate(f"child {number:02}", score=1.0)
                os.kill(os.getpid(), 9)
            os.waitpid(worker, 0)
        stop.set()
        busy.join()
        """,
        tmp_path,
        port,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",  # gRPC may not be used on both sides of a fork
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert done.returncode == 0
    await_delivery(tmp_path, port)
    found = chains(own)
    (parent,) = [models for models in found.values() if "parent" in models]
    assert set(parent) == {"parent"}
    rest = sorted(models for models in found.values() if "parent" not in models)
    assert rest == [*([f"child {number:02}"] for number in range(20)), ["next"]]
    assert sorted(kind for kind, _ in ends(own).values()) == ["closed"] * 2 + ["recovered"] * 20


def await_delivery(folder: Path, port: int) -> None:
    """Another process, which stays until nothing is left but its own chain."""
    done = run(
        """
        import time
        ask("next")
        deadline = time.monotonic() + 60
        while len(os.listdir(os.environ["THROUGHLINE_SPOOL"])) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        """,
        folder,
        port,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list((folder / "spool").iterdir()) == []


def test_a_call_that_returns_on_both_sides_of_a_fork_has_two_records(
    tmp_path: Path, receiver: tuple[Receiver, int]
) -> None:
    """Under one id, the second would be taken for the first, delivered again, and missed in its chain."""
    own, port = receiver
    done = run(
        """
        from opentelemetry.sdk.trace import TracerProvider
        throughline.uninstrument()
        throughline.instrument(tracer_provider=TracerProvider(), logger_provider=logs)
        workers = []
        def answer():
            workers.append(os.fork())
            return wire.json_response(wire.chat_reply())
        wire.client(wire.answering(answer)).chat.completions.create(model="twice", messages=wire.MESSAGES)
        if workers[0]:
            os.waitpid(workers[0], 0)
        """,
        tmp_path,
        port,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(chains(own).values()) == [["twice"], ["twice"]]
    ids = {each["attributes"][names.RECORD_ID] for each in received(own) if each["event_name"] == EVENT}
    assert len(ids) == 2


def test_killed_right_after_a_call_the_next_process_delivers_and_closes(
    tmp_path: Path, receiver: tuple[Receiver, int]
) -> None:
    own, port = receiver
    done = run('ask("one"); ask("two"); os.kill(os.getpid(), 9)', tmp_path, 1)
    assert done.returncode == -signal.SIGKILL
    assert own.records == []
    await_delivery(tmp_path, port)
    found = chains(own)
    assert sorted(found.values()) == [["next"], ["one", "two"]]
    assert {tuple(found[chain]): end for chain, end in ends(own).items()} == {
        ("one", "two"): ("recovered", 1),
        ("next",): ("closed", 0),
    }


def test_a_disk_that_takes_no_more_sends_records_the_sdks_way(tmp_path: Path, receiver: tuple[Receiver, int]) -> None:
    own, port = receiver
    done = run(
        """
        import resource, signal
        ask("kept")
        (folder,) = [entry for entry in os.scandir(os.environ["THROUGHLINE_SPOOL"])]
        (size,) = [entry.stat().st_size for entry in os.scandir(folder.path) if entry.name.endswith(".frames")]
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200, resource.RLIM_INFINITY))
        ask("elsewhere")
        ask("elsewhere, again")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        ask("kept, again")
        """,
        tmp_path,
        1,
    )
    assert done.returncode == 0
    assert done.stderr.count("SDK's way") == 1
    assert done.stdout.count('"gen_ai.request.model": "elsewhere') == 2
    await_delivery(tmp_path, port)
    assert sorted(chains(own).values()) == [["kept", "kept, again"], ["next"]]
    assert sorted(ends(own).values()) == [("closed", 0), ("closed", 1)]


def test_without_a_spool_records_go_the_sdks_way(tmp_path: Path, receiver: tuple[Receiver, int]) -> None:
    own, port = receiver
    done = run('ask("plain")', tmp_path, port, THROUGHLINE_SPOOL="off")
    assert '"gen_ai.request.model": "plain"' in done.stdout
    assert "without THROUGHLINE_SPOOL no record is chained" in done.stderr
    assert own.records == []
