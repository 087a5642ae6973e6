"""When records of instrumented calls are kept as evidence: what the environment says, and where it cannot be."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import throughline
from instrumentation.conformance import check_attributes
from instrumentation.live_check import STRUCTURED
from instrumentation.openai_client import wire
from instrumentation.records.chained import linked, received
from instrumentation.records.receiving import Receiver
from instrumentation.telemetry import Telemetry
from throughline import instrumentor, names
from throughline.autoload import ThroughlineInstrumentor
from throughline.settings import ContentMode, Settings, WhenFull

OTLP = {"OTEL_LOGS_EXPORTER": "console, otlp_proto_http"}


def settings_of(environment: dict[str, str], *, automatic: bool = False) -> Settings:
    return Settings.from_environment(environment, automatic=automatic)


def test_every_variable_is_read() -> None:
    found = settings_of(
        {
            "THROUGHLINE_SPOOL": "/spool",
            "THROUGHLINE_SPOOL_BYTES": "70000",
            "THROUGHLINE_SPOOL_WHEN_FULL": "Block",
            "THROUGHLINE_SPOOL_FSYNC": "true",
            "THROUGHLINE_SPOOL_KEY_FILE": "/spool.key",
            "THROUGHLINE_SIGNING_KEY_FILE": "/own.pem",
            "THROUGHLINE_CHECKPOINT_SECONDS": "5",
            "THROUGHLINE_CHECKPOINT_RECORDS": "10",
            "THROUGHLINE_ANCHOR": "s3://bucket/anchor",
            "THROUGHLINE_KEY_LIST": "/keys.json",
        }
    )
    assert found == Settings(
        spool=Path("/spool"), spool_bytes=70_000, spool_when_full=WhenFull.BLOCK, spool_fsync=True,
        spool_key_file=Path("/spool.key"), signing_key_file=Path("/own.pem"), checkpoint_seconds=5,
        checkpoint_records=10, anchor="s3://bucket/anchor", key_list=Path("/keys.json"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THROUGHLINE_SPOOL_BYTES", "1000"),
        ("THROUGHLINE_SPOOL_WHEN_FULL", "drop"),
        ("THROUGHLINE_SPOOL_FSYNC", "often"),
        ("THROUGHLINE_CHECKPOINT_SECONDS", "0"),
        ("THROUGHLINE_CHECKPOINT_RECORDS", "-1"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*; it may be"):
        settings_of({name: value})


@pytest.mark.parametrize(
    ("environment", "automatic", "folder"),
    [
        ({}, False, None),
        ({**OTLP}, False, None),
        ({}, True, None),
        ({"OTEL_LOGS_EXPORTER": "console"}, True, None),
        ({**OTLP, "OTEL_SDK_DISABLED": "true"}, True, None),
        ({**OTLP, "THROUGHLINE_SPOOL": "off"}, True, None),
        ({**OTLP, "HOME": "/home/a"}, True, "/home/a/.local/state/throughline/spool"),
        ({**OTLP, "HOME": "/home/a", "XDG_STATE_HOME": "/state"}, True, "/state/throughline/spool"),
        ({**OTLP, "HOME": "/home/a", "XDG_STATE_HOME": "relative"}, True, "/home/a/.local/state/throughline/spool"),
    ],
)
def test_the_default_folder_is_used_where_logs_are_exported_automatically(
    environment: dict[str, str], automatic: bool, folder: str | None
) -> None:
    found = settings_of(environment, automatic=automatic)
    assert (found.spool, found.spool_is_default) == (Path(folder) if folder else None, folder is not None)
    named = settings_of({**environment, "THROUGHLINE_SPOOL": "/named"}, automatic=automatic)
    assert (named.spool, named.spool_is_default) == (Path("/named"), False)


def ask() -> Any:
    client = wire.client(wire.answering(lambda: wire.json_response(wire.chat_reply())))
    return client.chat.completions.create(model="gpt-4o", messages=wire.MESSAGES)


def test_a_call_and_its_rating_are_chained_with_the_attributes_that_they_have_elsewhere(
    telemetry: Telemetry, receiver: Receiver, tmp_path: Path
) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY)
    ask()
    plain_record = telemetry.record()
    throughline.uninstrument()
    telemetry.instrument(content=ContentMode.EVENT_ONLY, spool=tmp_path / "spool")
    ask()
    throughline.evaluate("quality", score=0.5, explanation="as asked")
    throughline.uninstrument()
    assert len(telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)) == 1  # none of the second call's
    documents = received(receiver)
    assert linked(documents) == [0, 1]
    record, rating = documents
    added = {name for name in record["attributes"] if name.startswith("throughline.chain.")}
    added |= {names.CONTENT_SALT, names.RECORD_TIME_UNIX_NANO}
    assert record["attributes"].keys() - added == set(plain_record.attributes)
    assert record["event_name"] == plain_record.event_name
    span = telemetry.spans()[1].context
    assert span
    assert (record["trace_id"], record["span_id"]) == (f"{span.trace_id:032x}", f"{span.span_id:016x}")
    assert record["attributes"][names.RECORD_ID] == record["trace_id"] + record["span_id"]
    assert record["time"] == record["attributes"][names.RECORD_TIME_UNIX_NANO]
    assert rating["event_name"] == names.EVALUATION_RESULT
    assert rating["attributes"][names.EVALUATION_EXPLANATION] == "as asked"
    for document in documents:
        check_attributes({name: each for name, each in document["attributes"].items() if name not in STRUCTURED})
    resource = dict(telemetry.logger_provider.resource.attributes)
    assert record["resource"]["attributes"] == resource


def test_a_folder_that_the_owner_named_and_that_cannot_be_used_keeps_it_off(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"THROUGHLINE_SPOOL.*may write to, or say `off`"):
        telemetry.instrument(spool=tmp_path / "file")
    assert instrumentor.recorder() is None


@pytest.mark.complains
def test_where_the_default_folder_cannot_be_used_records_go_the_sdks_way(
    telemetry: Telemetry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    telemetry.instrument(spool=tmp_path / "file", spool_is_default=True)
    ask()
    assert telemetry.record().event_name == names.CLIENT_INFERENCE_OPERATION_DETAILS
    (said,) = [record for record in caplog.records if "SDK's way" in record.getMessage()]
    assert said.levelno == logging.WARNING


@pytest.mark.complains
def test_loaded_automatically_a_wrong_key_is_said_and_harms_nobody(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("THROUGHLINE_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("THROUGHLINE_SIGNING_KEY_FILE", str(tmp_path / "none.pem"))
    ThroughlineInstrumentor()._instrument(logger_provider=telemetry.logger_provider)
    assert instrumentor.recorder() is None
    assert "stays off: THROUGHLINE_SIGNING_KEY_FILE" in caplog.text
    assert ask().choices


def test_a_journal_that_breaks_costs_no_record(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, receiver: Receiver, tmp_path: Path
) -> None:
    telemetry.instrument(spool=tmp_path / "spool")
    active = instrumentor.recorder()
    assert active is not None
    assert active.journal is not None

    def broken(*_: Any, **__: Any) -> bool:
        return False

    monkeypatch.setattr(active.journal, "append", broken)
    assert ask().choices
    assert telemetry.record().attributes[names.RECORD_ID]
    assert receiver.records == []
