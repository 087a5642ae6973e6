"""Who asks and with which prompt: on every span and record, on metrics only what is bounded."""

from __future__ import annotations

from typing import Any

import throughline
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_reply,
    client,
    json_response,
)
from instrumentation.telemetry import Telemetry
from opentelemetry import baggage, context, propagate

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


def test_the_identity_is_on_span_record_and_bounded_on_metrics(telemetry: Telemetry) -> None:
    telemetry.instrument()
    given = {"user_id": "ada", "session_id": "s-1", "conversation_id": "c-1", "prompt_name": "answer",
             "prompt_version": "3", "prompt_variant": "b", "keep": True}  # fmt: skip
    tracer = telemetry.tracer_provider.get_tracer("app")
    with throughline.identify(**given), tracer.start_as_current_span("anything"):
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    expected = {
        "user.id": "ada",
        "session.id": "s-1",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.prompt.name": "answer",
        "gen_ai.prompt.version": "3",
        "throughline.prompt.variant": "b",
        "throughline.keep": True,
    }
    for span in telemetry.spans():
        assert expected.items() <= dict(span.attributes).items()
    assert len(telemetry.spans()) == 2
    assert expected.items() <= dict(telemetry.record().attributes).items()
    (point,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert {"gen_ai.prompt.name", "gen_ai.prompt.version", "throughline.prompt.variant"} <= set(point.attributes)
    assert not {"user.id", "session.id", "gen_ai.conversation.id"} & set(point.attributes)


def test_identities_nest_and_end(telemetry: Telemetry) -> None:
    with throughline.identify(user_id="ada", prompt_name="answer"):
        with throughline.identify(prompt_name="judge"):
            assert throughline.identity() == throughline.Identity(user_id="ada", prompt_name="judge")
        assert throughline.identity().prompt_name == "answer"
    assert throughline.identity() == throughline.Identity()


def test_the_identity_arrives_from_a_request_and_leaves_with_one(telemetry: Telemetry) -> None:
    incoming = propagate.extract({"baggage": "user.id=ada%20l,session.id=s-1,secret=x,throughline.keep=true"})
    token = context.attach(incoming)
    try:
        assert throughline.identity() == throughline.Identity(user_id="ada l", session_id="s-1", keep=True)
        outgoing: dict[str, str] = {}
        propagate.inject(outgoing)
        assert "user.id=ada" in outgoing["baggage"]
    finally:
        context.detach(token)


def test_baggage_of_others_is_not_read_and_long_values_are_cut(telemetry: Telemetry) -> None:
    telemetry.instrument()
    current = baggage.set_baggage("user.id", "x" * 5000, baggage.set_baggage("password", "hunter2"))
    token = context.attach(current)
    try:
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    finally:
        context.detach(token)
    assert "hunter2" not in telemetry.everything()
    assert len(telemetry.attributes()["user.id"]) == 256
