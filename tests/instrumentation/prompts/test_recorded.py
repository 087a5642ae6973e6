"""What is recorded of a call that a prompt was used for: all that names the prompt, and no value that filled it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import throughline
from instrumentation.openai_client.wire import MESSAGES, answering, chat_reply, client, json_response
from instrumentation.prompts.folders import Written
from instrumentation.telemetry import Telemetry, plain

SECRET = "canary-2846"
NAMED = {"gen_ai.prompt.name", "gen_ai.prompt.version", "throughline.prompt.variant"}


def expected(written: Written, user: str) -> dict[str, Any]:
    with throughline.identify(user_id=user):
        prompt = written.folder.get("greeting")
    return {
        "gen_ai.prompt.name": "greeting",
        "gen_ai.prompt.version": "1",
        "throughline.prompt.variant": prompt.variant,
        "throughline.prompt.template_hash": prompt.template_hash,
        "throughline.prompt.variables": ["question"],
        "throughline.experiment.name": "wording",
    }


def ask(messages: list[dict[str, str]]) -> None:
    reply = json_response(chat_reply())
    client(answering(reply)).chat.completions.create(model="gpt-4o", messages=messages)  # type: ignore[arg-type]


def test_span_and_record_name_prompt_and_experiment_and_metrics_what_is_bounded(
    greeting: Written, telemetry: Telemetry
) -> None:
    greeting.experiments(wording={})
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("app")
    with (
        throughline.identify(user_id="ada"),
        tracer.start_as_current_span("request"),
        greeting.folder.get("greeting").used(question=SECRET) as messages,
    ):
        ask(messages)
    assert messages[1]["content"] == SECRET
    everything = expected(greeting, "ada")
    for span in telemetry.spans():
        assert everything.items() <= plain(span.attributes).items()
    assert [span.name for span in telemetry.spans()] == ["chat gpt-4o", "request"]
    assert everything.items() <= plain(telemetry.record().attributes).items()
    (point,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert set(everything) & set(point.attributes) == NAMED
    assert SECRET not in telemetry.everything()


def test_an_evaluation_names_them_too(greeting: Written, telemetry: Telemetry) -> None:
    greeting.experiments(wording={})
    telemetry.instrument()
    with throughline.identify(user_id="ada"), greeting.folder.get("greeting").used(question=SECRET):
        throughline.evaluate("tone", score=0.5)
    (event,) = telemetry.events("gen_ai.evaluation.result")
    assert expected(greeting, "ada").items() <= plain(event.attributes).items()
    assert SECRET not in telemetry.everything()


def test_a_prompt_names_what_runs_without_being_rendered(greeting: Written, telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.identify(prompt=greeting.folder.get("greeting", variant="warm"), user_id="ada"):
        ask(MESSAGES)
    attributes = plain(telemetry.record().attributes)
    assert (attributes["throughline.prompt.variant"], attributes["user.id"]) == ("warm", "ada")
    assert "throughline.experiment.name" not in attributes


def test_a_prompt_inside_another_takes_nothing_of_its_experiment(greeting: Written, telemetry: Telemetry) -> None:
    greeting.experiments(wording={})
    greeting.version(1, name="summary", variables={}, variants={"short": {"user": "Sum up."}})
    telemetry.instrument()
    with throughline.identify(user_id="ada"), greeting.folder.get("greeting").used(question="When?"):
        with greeting.folder.get("summary").used() as messages:
            ask(messages)
        assert throughline.identity().experiment == "wording"
    attributes = plain(telemetry.record().attributes)
    assert (attributes["gen_ai.prompt.name"], attributes["throughline.prompt.variant"]) == ("summary", "short")
    assert not {"throughline.experiment.name", "throughline.prompt.variables"} & set(attributes)


async def test_tasks_that_run_at_once_keep_to_their_own_prompt(greeting: Written, telemetry: Telemetry) -> None:
    greeting.experiments(wording={})

    async def serve(number: int) -> tuple[str | None, str | None]:
        with throughline.identify(user_id=f"u-{number}"):
            prompt = greeting.folder.get("greeting")
            with prompt.used(question="When?"):
                await asyncio.sleep(0)
                own = throughline.identity()
        assert own.prompt_variant == prompt.variant
        return own.user_id, own.prompt_variant

    found = await asyncio.gather(*(serve(number) for number in range(100)))
    assert [user for user, _ in found] == [f"u-{number}" for number in range(100)]
    assert {variant for _, variant in found} == {"plain", "warm"}
    assert throughline.identity() == throughline.Identity()


@pytest.mark.parametrize("mode", ["NO_CONTENT", "SPAN_AND_EVENT"])
def test_values_are_content_and_stand_where_content_does_alone(
    greeting: Written, telemetry: Telemetry, mode: str
) -> None:
    telemetry.instrument(content=throughline.ContentMode(mode))
    with greeting.folder.get("greeting").used(question=SECRET) as messages:
        ask(messages)
    record = plain(telemetry.record().attributes)
    holders = {name for name, value in record.items() if SECRET in str(value)}
    assert holders == (set() if mode == "NO_CONTENT" else {"gen_ai.input.messages"})
