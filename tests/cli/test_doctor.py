"""The doctor: every check passes on a sound set-up, and each fault is named with what to do next."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from cli.conftest import NOWHERE, Run
from elasticsearch import Elasticsearch
from throughline import instrumentor
from throughline.cli.checking import Check, State
from throughline.cli.handshake import speaks_http2
from throughline.cli.process_checks import process_checks

SOUND = {"OTEL_SERVICE_NAME": "app", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}


def checked(variables: dict[str, str]) -> dict[str, Check]:
    """The checks that are not fine, by name."""
    return {check.name: check for check in process_checks({**SOUND, **variables}) if check.state is not State.OK}


def test_a_sound_environment_passes_and_every_patch_is_tried_and_undone() -> None:
    import openai

    original = openai.OpenAI.request
    checks = {check.name: check for check in process_checks(SOUND)}
    assert {check.state for check in checks.values()} == {State.OK}
    found = checks["client openai"].found
    assert "supported from 1.40.0" in found
    assert "SyncAPIClient.request" in found
    assert openai.OpenAI.request is original
    assert instrumentor.recorder() is None


@pytest.mark.parametrize(
    ("variables", "name", "state"),
    [
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "grpc, throughline"}, "auto-instrumentation", State.FAILED),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "yes"}, "settings", State.FAILED),
        ({"THROUGHLINE_MASK_MODE": "pseudonym"}, "masking", State.FAILED),
        ({"THROUGHLINE_MASK_DISABLE": "email"}, "masking", State.WARNING),
        ({"OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "false"}, "records", State.WARNING),
        ({"OTEL_SDK_DISABLED": "true"}, "OpenTelemetry", State.FAILED),
        ({"OTEL_LOGS_EXPORTER": "none"}, "OpenTelemetry", State.WARNING),
        ({"OTEL_SERVICE_NAME": ""}, "OpenTelemetry", State.WARNING),
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "OpenTelemetry", State.WARNING),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "OpenTelemetry", State.WARNING),
    ],
)
def test_a_fault_in_the_environment_is_named_with_what_to_do(
    variables: dict[str, str], name: str, state: State
) -> None:
    faults = checked(variables)
    assert list(faults) == [name]
    assert faults[name].state is state
    assert faults[name].advice


def test_a_missing_patch_point_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    import openai

    monkeypatch.delattr(openai._base_client.SyncAPIClient, "request")
    assert "lacks" in checked({})["client openai"].found


def test_a_server_that_is_not_grpc_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        assert not speaks_http2("127.0.0.1", listening.getsockname()[1], None)
        answering.join()


def test_without_a_stack_each_part_fails_and_the_exit_code_is_one(run: Run) -> None:
    parts = {"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, "COLLECTOR_HEALTH_URL": NOWHERE, "GRAFANA_URL": NOWHERE}
    ended = run("doctor", "--json", **parts)
    assert ended.code == 1
    failed = {check["check"]: check for check in ended.lines if check["state"] == "failed"}
    assert set(failed) == {"Collector OTLP", "Collector health", "Elasticsearch", "Jaeger", "Grafana"}
    assert all("make stack" in check["next"] for check in failed.values())
    shown = run("doctor", **parts)
    assert shown.code == 1
    assert "5 failed" in shown.out


@pytest.mark.stack
def test_a_sound_stack_passes(run: Run, elasticsearch: str, jaeger: str, collector: str) -> None:
    parts = {"ELASTICSEARCH_URL": elasticsearch, "JAEGER_URL": jaeger, "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    ended = run("doctor", "--json", OTEL_SERVICE_NAME="app", **parts)
    checks = {check["check"]: check for check in ended.lines}
    assert ended.code == 0
    for name in ("Collector OTLP", "Elasticsearch", "index templates", "Jaeger"):
        assert checks[name]["state"] == "ok", checks[name]


@pytest.mark.stack
def test_a_port_of_another_protocol_and_a_foreign_server_fail(run: Run, elasticsearch: str, jaeger: str) -> None:
    ended = run(
        "doctor", "--json", ELASTICSEARCH_URL=jaeger, JAEGER_URL=elasticsearch, OTEL_EXPORTER_OTLP_ENDPOINT=jaeger
    )
    failed = {check["check"] for check in ended.lines if check["state"] == "failed"}
    assert {"Collector OTLP", "Elasticsearch", "Jaeger"} <= failed
    assert ended.code == 1


@pytest.mark.stack
def test_a_missing_template_sends_to_setup(run: Run, elasticsearch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throughline.store.templates.Kind.template", property(lambda kind: f"no-such-{kind.name}"))
    ended = run("doctor", "--json", ELASTICSEARCH_URL=elasticsearch)
    (templates,) = (check for check in ended.lines if check["check"] == "index templates")
    assert templates["state"] == "failed"
    assert "throughline setup" in templates["next"]


def test_a_found_stack_file_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "stack.env").write_text(f"COLLECTOR_HEALTH_URL={NOWHERE}\n")
    checks = {check["check"]: check for check in run("doctor", "--json").lines}
    assert "stack.env" in checks["native stack"]["found"]
    assert checks["Collector health"]["state"] == "failed"


@pytest.mark.stack
def test_what_was_rejected_is_told(run: Run, elasticsearch: str) -> None:
    stream = "logs-genai.rejected.otel-doctor"
    with Elasticsearch(elasticsearch) as client:
        client.create(index=stream, id="one", document={"@timestamp": "1781000000000.0"}, refresh=True)
        try:
            ended = run("doctor", "--json", ELASTICSEARCH_URL=elasticsearch)
        finally:
            client.delete(index=client.search(index=stream)["hits"]["hits"][0]["_index"], id="one", refresh=True)
    (rejected,) = (check for check in ended.lines if check["check"] == "rejected")
    assert rejected["state"] == "warning"
    assert "throughline.rejected.reason" in rejected["next"]


def test_no_login_of_an_address_is_repeated(run: Run) -> None:
    """Neither where the address is right and nobody there, nor where it is wrong."""
    for address in ("http://app:hunter2@127.0.0.1:1", "app:hunter2@127.0.0.1:1"):
        addresses = dict.fromkeys(("ELASTICSEARCH_URL", "JAEGER_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"), address)
        for arguments in (["doctor"], ["records"]):
            ended = run(*arguments, **addresses)
            assert ended.code in (1, 2, 3)
            assert "127.0.0.1:1" in ended.out + ended.err or "does not answer" in ended.err
            assert "hunter2" not in ended.out + ended.err


def test_a_file_that_is_no_key_is_not_quoted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2\nhunter3")
    ended = run("records", ELASTICSEARCH_API_KEY_FILE=str(tmp_path / "key"))
    assert ended.code == 2
    assert "no API key of one line" in ended.err
    assert "hunter" not in ended.out + ended.err


def test_prompt_files_are_looked_at_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "greeting").mkdir()
    whole = "owner: desk\nchangelog: begins\nvariables: {name: string}\nvariants: {only: {user: 'Hello {{ name }}'}}\n"
    (tmp_path / "greeting" / "1.yaml").write_text(whole)
    checks = {check.name: check for check in process_checks({**SOUND, "THROUGHLINE_PROMPTS": str(tmp_path)})}
    assert checks["prompts"].state is State.OK
    assert checks["prompts"].found.startswith("1 prompts, 0 experiments")
    (tmp_path / "greeting" / "2.yaml").write_text("variants: {}\n")
    assert checked({"THROUGHLINE_PROMPTS": str(tmp_path)})["prompts"].advice == "throughline prompts check"
    assert checked({"THROUGHLINE_PROMPTS": str(tmp_path / "nowhere")})["prompts"].state is State.FAILED
    assert "prompts" not in {check.name for check in process_checks(SOUND)}
