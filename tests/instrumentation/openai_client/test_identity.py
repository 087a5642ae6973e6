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
             "prompt_version": "3", "prompt_variant": "b", "prompt_template_hash": "ab12",
             "prompt_variables": ("passages", "question"), "experiment": "wording", "keep": True,
             "judging": True}  # fmt: skip
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
        "throughline.prompt.template_hash": "ab12",
        "throughline.prompt.variables": ("passages", "question"),
        "throughline.experiment.name": "wording",
        "throughline.keep": True,
        "throughline.judging": True,
    }
    for span in telemetry.spans():
        assert expected.items() <= dict(span.attributes).items()
    assert len(telemetry.spans()) == 2
    assert expected.items() <= dict(telemetry.record().attributes).items()
    (point,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert {"gen_ai.prompt.name", "gen_ai.prompt.version", "throughline.prompt.variant"} <= set(point.attributes)
    bounded = {"gen_ai.prompt.name", "gen_ai.prompt.version", "throughline.prompt.variant"}
    assert not (set(expected) - bounded) & set(point.attributes)


def test_identities_nest_and_end(telemetry: Telemetry) -> None:
    with throughline.identify(user_id="ada", prompt_name="answer"):
        with throughline.identify(prompt_name="judge"):
            assert throughline.identity() == throughline.Identity(user_id="ada", prompt_name="judge")
        assert throughline.identity().prompt_name == "answer"
    assert throughline.identity() == throughline.Identity()


def test_who_names_a_prompt_anew_keeps_nothing_of_the_one_before(telemetry: Telemetry) -> None:
    outer = {"prompt_name": "answer", "prompt_version": "3", "prompt_variant": "b", "prompt_template_hash": "ab12",
             "prompt_variables": ["question"], "experiment": "wording"}  # fmt: skip
    with throughline.identify(user_id="ada", **outer):  # type: ignore[arg-type]  # each as its parameter wants it
        with throughline.identify(prompt_name="summary", prompt_variant="short"):
            named = throughline.Identity(user_id="ada", prompt_name="summary", prompt_variant="short")
            assert throughline.identity() == named
        with throughline.identify(prompt_variant="c"):
            assert throughline.identity().prompt_name == "answer"
            assert throughline.identity().experiment == "wording"
        assert throughline.identity().prompt_variables == ("question",)


def test_whatever_is_given_is_carried_as_text_and_costs_no_call(telemetry: Telemetry) -> None:
    with throughline.identify(user_id=42, prompt_name="p", prompt_version=3):  # type: ignore[arg-type]
        assert throughline.identity() == throughline.Identity(user_id="42", prompt_name="p", prompt_version="3")


def test_what_is_too_long_for_baggage_is_cut_and_takes_nothing_else_with_it(telemetry: Telemetry) -> None:
    variables = [f"variable_{number:03}" for number in range(1_000)]
    outgoing: dict[str, str] = {}
    with throughline.identify(user_id="u" * 10_000, session_id="s-1", prompt_name="answer", prompt_variables=variables):
        here = throughline.identity()
        propagate.inject(outgoing)
    token = context.attach(propagate.extract(outgoing))
    try:
        assert throughline.identity() == here
    finally:
        context.detach(token)
    assert here == throughline.Identity(
        user_id="u" * 256, session_id="s-1", prompt_name="answer", prompt_variables=tuple(variables[:19])
    )  # nineteen names of twelve characters, with commas, are 246


def test_judging_can_be_taken_back_from_who_said_so_by_baggage(telemetry: Telemetry) -> None:
    token = context.attach(propagate.extract({"baggage": "throughline.judging=true"}))
    try:
        assert throughline.identity().judging is True
        with throughline.identify(judging=False):
            assert throughline.identity().judging is None
            outgoing: dict[str, str] = {}
            propagate.inject(outgoing)
            assert "judging" not in outgoing.get("baggage", "")
    finally:
        context.detach(token)


def test_the_identity_arrives_from_a_request_and_leaves_with_one(telemetry: Telemetry) -> None:
    incoming = propagate.extract(
        {
            "baggage": "user.id=ada%20l,session.id=s-1,secret=x,throughline.keep=true,"
            "throughline.prompt.variables=a%2Cb,throughline.experiment.name=e"
        }
    )
    token = context.attach(incoming)
    try:
        assert throughline.identity() == throughline.Identity(
            user_id="ada l", session_id="s-1", keep=True, prompt_variables=("a", "b"), experiment="e"
        )
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


def test_a_long_list_of_variables_is_cut_between_two_names() -> None:
    given = [f"variable_{number:02}" for number in range(60)]  # 12 characters with the comma: 21 fit in 256
    with throughline.identify(prompt_variables=given):
        assert throughline.identity().prompt_variables == tuple(given[:21])
