"""Sealing: with it on, nothing of content leaves the process but sealed, and only the auditor opens it."""

from __future__ import annotations

import base64
import json
import logging
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
import throughline
from hypothesis import given
from hypothesis import strategies as st
from instrumentation.openai_client.wire import answering, chat_reply, client, json_response
from instrumentation.privacy.keys import Pair, sealing_pair
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, Settings, blobs, names
from throughline.privacy.sealing import Opener, Seal, SealError
from throughline.records import proof

CANARY = "canary-in-the-mine"
LONG = f"I am {CANARY}. " + "And so on. " * 2_000
EVENT = names.CLIENT_INFERENCE_OPERATION_DETAILS


@pytest.fixture
def auditor(tmp_path: Path) -> Pair:
    return sealing_pair(tmp_path)


def opened(record: Any, auditor: Pair) -> dict[str, Any]:
    """What the auditor reads of an exported record."""
    sealed, record_id = (str(record.attributes[name]) for name in (names.CONTENT_SEALED, names.RECORD_ID))
    return Opener(auditor.private).record(sealed, record_id, record.event_name)


def ask(replies: int) -> None:
    """Requests with the canary in every place that content has, the last of them refused."""
    call = {"id": "1", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": CANARY})}}
    reply = json_response(chat_reply(f"Write to {CANARY}.", message={"tool_calls": [call]}))
    refused = json_response({"error": {"message": f"cannot mail {CANARY}"}}, 400)
    api = client(answering(*[reply] * replies, refused), max_retries=0)
    arguments: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": f"You serve {CANARY}."},
            {"role": "user", "content": LONG},
            {"role": "tool", "tool_call_id": "0", "content": json.dumps({"found": [CANARY]})},
        ],
        "tools": [{"type": "function", "function": {"name": "mail", "description": f"mails {CANARY}"}}],
    }
    for _ in range(replies):
        api.chat.completions.create(**arguments)
    with pytest.raises(openai.BadRequestError):
        api.chat.completions.create(**arguments)


@pytest.mark.parametrize("mode", [ContentMode.EVENT_ONLY, ContentMode.SPAN_AND_EVENT])
def test_a_canary_leaves_only_sealed(
    telemetry: Telemetry, auditor: Pair, mode: ContentMode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    telemetry.instrument(content=mode, content_limit=5_000, seal_for_file=auditor.public)
    ask(1)
    with throughline.retrieval("corpus", query=f"where is {CANARY}") as found:
        found.documents = [{"id": "1", "content": CANARY}]
    throughline.evaluate("groundedness", score=1, explanation=f"it names {CANARY}")
    answered, refused, retrieved = telemetry.events(EVENT)
    (judged,) = telemetry.events(names.EVALUATION_RESULT)
    assert CANARY not in telemetry.everything()
    assert CANARY not in caplog.text
    assert not ({*proof.CONTENT} - {names.CONTENT_SEALED}) & {*answered.attributes, *refused.attributes}
    content = opened(answered, auditor)
    for name in (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS):
        assert CANARY in json.dumps(content[name])
    assert [note.split(":")[1] for note in content[names.CONTENT_TRUNCATED]] == [str(len(LONG))]
    assert f"cannot mail {CANARY}" in opened(refused, auditor)[names.EXCEPTION_MESSAGE]
    assert opened(retrieved, auditor)[names.RETRIEVAL_QUERY_TEXT] == f"where is {CANARY}"
    assert opened(judged, auditor) == {names.EVALUATION_EXPLANATION: f"it names {CANARY}"}


def test_content_in_a_store_is_sealed_too(telemetry: Telemetry, auditor: Pair, tmp_path: Path) -> None:
    store = tmp_path / "content"
    telemetry.instrument(
        content=ContentMode.EVENT_ONLY,
        content_store=f"file://{store}",
        content_store_from=10_000,
        seal_for_file=auditor.public,
    )
    ask(2)
    throughline.uninstrument()  # writes what is on its way
    references = [record.attributes[names.CONTENT_REF] for record in telemetry.events(EVENT)]
    assert len({*references}) == 3  # each seal differs, so that nobody sees who asked the same
    assert all(CANARY.encode() not in file.read_bytes() for file in store.iterdir())
    for (reference,) in references:
        blob = blobs.read(reference, f"file://{store}")
        opener, attribute = Opener(auditor.private), blobs.Reference.parsed(reference).attribute
        assert blob[names.CONTENT_SEALED_FOR] == opener.key_id
        assert CANARY in json.dumps(opener.blob(attribute, blob[names.CONTENT_SEALED]))
        with pytest.raises(SealError):
            opener.blob(names.OUTPUT_MESSAGES, blob[names.CONTENT_SEALED])


def test_masks_apply_before_the_seal(telemetry: Telemetry, auditor: Pair) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY, seal_for_file=auditor.public)
    with throughline.retrieval("corpus", query="who is taro@example.com"):
        pass
    assert opened(telemetry.record(), auditor) == {names.RETRIEVAL_QUERY_TEXT: "who is [email]"}
    assert telemetry.record().attributes[names.MASK_KINDS] == ("email:1",)


@pytest.mark.complains
def test_what_cannot_be_sealed_is_left_out(
    telemetry: Telemetry, auditor: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY, seal_for_file=auditor.public)
    monkeypatch.setattr(Seal, "record", lambda *_: 1 / 0)
    with throughline.retrieval("corpus", query=CANARY):
        pass
    assert telemetry.record().attributes[names.OPERATION_NAME] == "retrieval"
    assert CANARY not in telemetry.everything()


def _flipped(sealed: str, position: int) -> str:
    data = bytearray(base64.b64decode(sealed))
    data[position] ^= 1
    return base64.b64encode(data).decode()


@given(st.dictionaries(st.text(), st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=9)))
def test_any_content_comes_back_and_only_where_it_was(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    auditor = sealing_pair(tmp_path_factory.mktemp("keys"))
    seal, opener = Seal(auditor.public), Opener(auditor.private)
    sealed = seal.record(content, "1" * 48, EVENT)[names.CONTENT_SEALED]
    assert opener.record(sealed, "1" * 48, EVENT) == content
    assert seal.record(content, "1" * 48, EVENT)[names.CONTENT_SEALED] != sealed
    for record_id, event in (("2" * 48, EVENT), ("1" * 48, names.OPERATION_DETAILS)):
        with pytest.raises(SealError, match="moved"):
            opener.record(sealed, record_id, event)


@pytest.mark.parametrize("position", [0, 1, 40, -1])
def test_a_changed_seal_does_not_open(auditor: Pair, position: int) -> None:
    sealed = Seal(auditor.public).record({"a": CANARY}, "1" * 48, EVENT)[names.CONTENT_SEALED]
    with pytest.raises(SealError) as error:
        Opener(auditor.private).record(_flipped(sealed, position), "1" * 48, EVENT)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize("sealed", ["", "AQ==", "A?", base64.b64encode(b"\x01" + bytes(64)).decode()])
def test_what_is_no_seal_is_told(auditor: Pair, sealed: str) -> None:
    with pytest.raises(SealError):
        Opener(auditor.private).record(sealed, "1" * 48, EVENT)


def test_another_auditor_cannot_open(auditor: Pair, tmp_path: Path) -> None:
    other = sealing_pair(tmp_path, "other")
    sealed = Seal(auditor.public).record({"a": CANARY}, "1" * 48, EVENT)
    assert sealed[names.CONTENT_SEALED_FOR] == Opener(auditor.private).key_id
    with pytest.raises(SealError, match="another key"):
        Opener(other.private).record(sealed[names.CONTENT_SEALED], "1" * 48, EVENT)


@pytest.mark.parametrize("wrong", ["private", "missing", "garbage"])
def test_a_wrong_key_is_said_at_the_start(telemetry: Telemetry, auditor: Pair, tmp_path: Path, wrong: str) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_text(CANARY)
    file = {"private": auditor.private, "missing": tmp_path / "missing", "garbage": garbage}[wrong]
    with pytest.raises(ValueError, match=r"THROUGHLINE_SEAL_FOR_FILE.*keys new --purpose sealing") as error:
        telemetry.instrument(content=ContentMode.EVENT_ONLY, seal_for_file=file)
    assert "PRIVATE" not in str(error.value)
    assert CANARY not in str(error.value)
    with throughline.retrieval("corpus", query=CANARY):
        pass
    assert not telemetry.events(EVENT)


def test_without_the_library_nothing_starts(
    telemetry: Telemetry, auditor: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hpke", None)
    with pytest.raises(ValueError, match=r"pip install 'throughline\[evidence\]'"):
        telemetry.instrument(content=ContentMode.EVENT_ONLY, seal_for_file=auditor.public)


def test_sealed_content_has_no_place_on_spans_alone(auditor: Pair) -> None:
    variables = {
        "THROUGHLINE_SEAL_FOR_FILE": str(auditor.public),
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    }
    with pytest.raises(ValueError, match="EVENT_ONLY"):
        Settings.from_environment(variables)
    variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_AND_EVENT"
    settings = Settings.from_environment(variables)
    assert (settings.content_on_span, settings.content_on_event) == (False, True)
