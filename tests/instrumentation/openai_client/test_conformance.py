"""Spans, metrics and events that are no mere exchange against the pinned registry; exchanges are in the scenarios."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest
import throughline
from instrumentation.conformance import (
    CONTENT_SCHEMAS,
    RECOMMENDED,
    check_attributes,
    check_content,
    metric_definitions,
)
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_reply,
    client,
    json_response,
)
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import StatusCode
from throughline import ContentMode, names


def identified() -> None:
    client(answering(json_response(chat_reply()))).chat.completions.create(model="gpt-4o", messages=MESSAGES)


def refused() -> None:
    with pytest.raises(openai.InternalServerError):
        client(answering(json_response({}, 500)), max_retries=0).chat.completions.create(model="m", messages=MESSAGES)


def retrieve() -> None:
    with throughline.retrieval("corpus", query="claims", top_k=2, provider="elasticsearch") as found:
        found.documents = [{"id": "a", "score": 1.5}, {"id": "b", "score": 0.5}]


EXCHANGES: dict[str, Callable[[], None]] = {"identified": identified, "refused": refused, "retrieval": retrieve}


def exempt(kind: str) -> set[str]:
    """Content has schemas of its own; and the providers' enum is open: a store is none of the model providers in it."""
    return {*CONTENT_SCHEMAS, names.PROVIDER_NAME} if kind == "retrieval" else set(CONTENT_SCHEMAS)


@pytest.mark.parametrize("kind", EXCHANGES)
def test_everything_emitted_is_in_the_registry(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    with throughline.identify(user_id="ada", prompt_name="p", prompt_version="1", prompt_variant="b", keep=True):
        EXCHANGES[kind]()
    span, record = telemetry.span(), telemetry.record()
    attributes = telemetry.attributes()
    for found in (attributes, plain(record.attributes)):
        check_attributes({name: value for name, value in found.items() if name not in exempt(kind)})
    operation = attributes[names.OPERATION_NAME]
    subject = attributes.get(names.REQUEST_MODEL) or attributes[names.DATA_SOURCE_ID]
    assert span.name == f"{operation} {subject}"
    failed = names.ERROR_TYPE in attributes
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert failed or attributes.keys() >= RECOMMENDED[operation]
    seen = set(check_content(attributes))
    assert seen == set(check_content(dict(record.attributes)))
    assert seen or names.RETRIEVAL_QUERY_TEXT in attributes


@pytest.mark.parametrize("kind", EXCHANGES)
def test_every_metric_is_defined_with_its_unit_and_dimensions(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument()
    EXCHANGES[kind]()
    found = telemetry.metric_reader.get_metrics_data()
    metrics = [metric for r in found.resource_metrics for scope in r.scope_metrics for metric in scope.metrics]
    assert metrics
    for metric in metrics:
        definition = metric_definitions()[metric.name]
        assert metric.unit == definition["unit"]
        assert definition["instrument"] == "histogram"
        for point in metric.data.data_points:
            check_attributes(
                {k: v for k, v in point.attributes.items() if kind != "retrieval" or k != names.PROVIDER_NAME}
            )
            assert names.OPERATION_NAME in point.attributes


def test_events_are_defined(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.identify(user_id="ada"):
        throughline.evaluate("groundedness", score=1, label="good", explanation="mail ada@example.org", response_id="r")
    (event,) = telemetry.events(names.EVALUATION_RESULT)
    attributes = plain(event.attributes)
    check_attributes(attributes)
    assert attributes[names.EVALUATION_SCORE_VALUE] == 1.0
    assert attributes[names.EVALUATION_EXPLANATION] == "mail [email]"
    assert attributes["user.id"] == "ada"


def test_values_of_the_wrong_type_are_left_out_and_nobody_complains(telemetry: Telemetry) -> None:
    telemetry.instrument()
    odd = {**chat_reply(), "id": {"a": 1}, "model": ["m"], "usage": {"prompt_tokens": "many", "completion_tokens": 3.0}}
    client(answering(json_response(odd))).chat.completions.create(
        model="m", messages=MESSAGES, temperature=1, seed=openai.NOT_GIVEN, max_tokens=openai.NOT_GIVEN
    )
    found = telemetry.attributes()
    check_attributes(found)
    assert found[names.REQUEST_TEMPERATURE] == 1.0
    assert found[names.USAGE_OUTPUT_TOKENS] == 3
    assert not {names.RESPONSE_ID, names.RESPONSE_MODEL, names.USAGE_INPUT_TOKENS, names.REQUEST_SEED} & set(found)
