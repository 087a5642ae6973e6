"""What must not leave the process: content that is off, personal data that is on, our own complaints."""

from __future__ import annotations

import json
import logging
from typing import Any

import openai
import pytest
import throughline
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_reply,
    client,
    json_response,
)
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names
from throughline.adapters import openai_chat

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


CANARY = "canary.bird@example.org"


@pytest.mark.parametrize("mode", list(ContentMode))
def test_a_canary_is_in_no_exported_byte(
    telemetry: Telemetry, mode: ContentMode, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.instrument(content=mode)
    tool_calls = [
        {"id": "1", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": CANARY})}}
    ]
    reply = chat_reply(f"Write to {CANARY}.", message={"tool_calls": tool_calls})
    refused = json_response({"error": {"message": f"cannot mail {CANARY}"}}, 400)
    api = client(answering(json_response(reply), refused), max_retries=0)
    arguments: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": f"You serve {CANARY}."},
            {"role": "user", "content": [{"type": "text", "text": f"I am {CANARY}"}]},
            {"role": "tool", "tool_call_id": "0", "content": json.dumps({"found": [CANARY]})},
        ],
        "tools": [{"type": "function", "function": {"name": "mail", "description": f"mails {CANARY}"}}],
    }
    api.chat.completions.create(**arguments)
    with pytest.raises(openai.BadRequestError):
        api.chat.completions.create(**arguments)
    exported = telemetry.everything()
    assert len(telemetry.spans()) == 2
    assert CANARY not in exported
    assert "canary" not in exported
    assert CANARY not in caplog.text
    assert ("[email]" in exported) is (mode is not ContentMode.NO_CONTENT)


@pytest.mark.parametrize("mode", list(ContentMode))
def test_the_applications_own_words_are_masked_whether_content_is_captured_or_not(
    telemetry: Telemetry, mode: ContentMode
) -> None:
    telemetry.instrument(content=mode)
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS, stop=["\n", f"For {CANARY}"])
    for attributes in (telemetry.attributes(), telemetry.record().attributes):
        assert list(attributes[names.REQUEST_STOP_SEQUENCES]) == ["\n", "For [email]"]
    assert telemetry.attributes()[names.MASK_KINDS] == ["email:1"]
    assert "canary" not in telemetry.everything()


def test_masks_are_counted(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    client(answering(json_response(chat_reply(CANARY)))).chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": f"{CANARY} and card 4111 1111 1111 1111"}]
    )
    found = telemetry.attributes()
    assert found[names.MASK_COUNT] == 3
    assert found[names.MASK_KINDS] == ["email:2", "payment_card:1"]
    assert telemetry.record().attributes[names.MASK_COUNT] == 3


@pytest.mark.complains
def test_content_that_cannot_be_masked_is_not_exported(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(throughline.Masker, "value", broken)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    client(answering(json_response(chat_reply(CANARY)))).chat.completions.create(**ARGUMENTS)
    assert CANARY not in telemetry.everything()
    assert len(telemetry.spans()) == 1


@pytest.mark.complains
def test_our_own_complaints_quote_nobody(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def quoting(_self: Any, _op: Any, body: Any) -> None:
        raise ValueError(str(body))

    monkeypatch.setattr(openai_chat.Chat, "request", quoting)
    telemetry.instrument()
    with caplog.at_level(logging.DEBUG, "throughline"):
        client(answering(json_response(chat_reply()))).chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": CANARY}]
        )
    assert CANARY not in "".join(line for line in caplog.messages if "throughline" in line or "telemetry" in line)
