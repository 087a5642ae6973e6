"""One request over HTTP: one trace with the caller's id through every service, and its records found by that id."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from collector.running import eventually
from e2e.calls import make_calls
from native.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        client.put(f"{stack.addresses['SIMULATOR_URL']}/control", json={"fault": {}, "next": []}).raise_for_status()
        yield client


def spans_of(http: httpx.Client, stack: Stack, trace_id: str, *wanted: str) -> list[dict[str, Any]]:
    """The trace as Jaeger has it, once it has all that is `wanted`, given as `service operation`."""

    def found() -> list[dict[str, Any]] | None:
        reply = http.get(f"{stack.addresses['JAEGER_URL']}/api/traces/{trace_id}")
        data = reply.json().get("data") or [{"spans": [], "processes": {}}] if reply.status_code == 200 else []
        spans = [
            {**span, "service": trace["processes"][span["processID"]]["serviceName"]}
            for trace in data
            for span in trace["spans"]
        ]
        there = {f"{span['service']} {span['operationName']}" for span in spans}
        return spans if there.issuperset(wanted) else None

    return eventually(found, f"{wanted} of {trace_id} in Jaeger")


def documents(http: httpx.Client, stack: Stack, index: str, query: dict[str, Any], size: int = 100) -> list[Any]:
    reply = http.post(f"{stack.addresses['ELASTICSEARCH_URL']}/{index}/_search", json={"query": query, "size": size})
    return [hit["_source"] for hit in reply.json()["hits"]["hits"]] if reply.status_code == 200 else []


def tags(span: dict[str, Any]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def parents(spans: list[dict[str, Any]]) -> dict[str, str | None]:
    """Span, as service and name → its parent, likewise."""
    named = {span["spanID"]: f"{span['service']} {span['operationName']}" for span in spans}
    return {
        named[span["spanID"]]: next((named.get(ref["spanID"]) for ref in span["references"]), None) for span in spans
    }


BUILD = "/throughline.prompt_builder.v1.PromptBuilder/Build"
COMPLETE = "/throughline.llm_caller.v1.LlmCaller/Complete"
STREAM = "/throughline.llm_caller.v1.LlmCaller/Stream"
PROCESS = "/throughline.postprocessor.v1.Postprocessor/Process"


@pytest.mark.parametrize("streaming", [False, True])
def test_one_request_is_one_trace(http: httpx.Client, stack: Stack, streaming: bool) -> None:
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    headers = {
        "traceparent": f"00-{trace_id}-{caller}-01",
        "baggage": "user.id=ada,session.id=s-1,throughline.keep=true",
        "accept": "text/event-stream" if streaming else "application/json",
    }
    body = {"question": "How do I send in a claim? I am ada@example.org", "conversation_id": "c-1"}
    reply = http.post(f"{stack.addresses['GATEWAY_URL']}/v1/ask", json=body, headers=headers)
    assert reply.status_code == 200
    answer = reply.text
    assert trace_id in answer
    call = STREAM if streaming else COMPLETE
    served = {BUILD: "prompt-builder", call: "llm-caller", PROCESS: "postprocessor"}
    methods = [f"{service} {method}" for method, at in served.items() for service in ("gateway", at)]
    spans = spans_of(http, stack, trace_id, *methods, "gateway POST /v1/ask", "llm-caller chat sim-small")
    tree = parents(spans)
    for method, service in served.items():
        assert tree[f"gateway {method}"] == "gateway invoke_workflow ask"
        assert tree[f"{service} {method}"] == f"gateway {method}"
    assert tree["gateway invoke_workflow ask"] == "gateway POST /v1/ask"
    assert tree["postprocessor post_process"] == f"postprocessor {PROCESS}"
    assert tree["prompt-builder retrieval throughline-corpus"] == f"prompt-builder {BUILD}"
    assert tree["llm-caller chat sim-small"] == f"llm-caller {call}"
    (root,) = [span for span in spans if span["operationName"] == "POST /v1/ask"]
    assert [reference["spanID"] for reference in root["references"]] == [caller]
    for span in spans:
        assert tags(span)["user.id"] == "ada"
    model_call = next(span for span in spans if span["operationName"] == "chat sim-small")
    assert {"gen_ai.prompt.name": "help-desk", "gen_ai.conversation.id": "c-1"}.items() <= tags(model_call).items()
    assert "ada@example.org" not in json.dumps(spans)

    def records() -> list[Any] | None:
        found = documents(http, stack, "logs-genai.record.otel-default", {"term": {"trace_id": trace_id}})
        return found if len(found) == 2 else None

    found = {record["attributes"]["gen_ai.operation.name"]: record for record in eventually(records, "two records")}
    chat = found["chat"]["attributes"]
    assert (found["chat"]["span_id"], chat["user.id"]) == (model_call["spanID"], "ada")
    assert chat["throughline.prompt.variant"] in ("concise", "stepwise")
    assert "gen_ai.input.messages" not in chat
    mine = {"ids": {"values": [chat["throughline.record.id"]]}}
    (said,) = eventually(lambda: documents(http, stack, "logs-genai.content.otel-default", mine), "what was said")
    assert "[email]" in json.dumps(said["attributes"]["gen_ai.input.messages"])
    assert found["retrieval"]["attributes"]["gen_ai.data_source.id"] == "throughline-corpus"
    evaluations = eventually(
        lambda: documents(http, stack, "logs-genai.evaluation.otel-default", {"term": {"trace_id": trace_id}}),
        "evaluations",
    )
    assert {"groundedness"} <= {each["attributes"]["gen_ai.evaluation.name"] for each in evaluations}


def test_a_rating_is_tied_to_the_trace(http: httpx.Client, stack: Stack) -> None:
    gateway = stack.addresses["GATEWAY_URL"]
    answer = http.post(f"{gateway}/v1/ask", json={"question": "How long does a claim take?"}).json()
    rating = {"trace_id": answer["trace_id"], "span_id": answer["span_id"], "thumb": "down", "comment": "too long"}
    assert http.post(f"{gateway}/v1/ratings", json=rating).status_code == 201
    query = {"bool": {"filter": [
        {"term": {"trace_id": answer["trace_id"]}},
        {"term": {"attributes.gen_ai.evaluation.name": "user_rating"}},
    ]}}  # fmt: skip
    (found,) = eventually(lambda: documents(http, stack, "logs-genai.evaluation.otel-default", query), "the rating")
    assert found["span_id"] == answer["span_id"]


def test_a_failed_call_is_kept_and_says_why(http: httpx.Client, stack: Stack) -> None:
    control, trace_id = f"{stack.addresses['SIMULATOR_URL']}/control", secrets.token_hex(16)
    http.put(control, json={"next": ["500", "500", "500"]}).raise_for_status()
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    reply = http.post(f"{stack.addresses['GATEWAY_URL']}/v1/ask", json={"question": "Anything?"}, headers=headers)
    assert reply.status_code in (502, 503)
    assert reply.json()["error"]["message"]
    spans = spans_of(http, stack, trace_id, "llm-caller chat sim-small", "gateway POST /v1/ask")
    call = next(span for span in spans if span["operationName"] == "chat sim-small")
    assert tags(call)["error.type"] == "InternalServerError"
    assert tags(call)["throughline.attempt.count"] == 3
    assert [log for log in call["logs"] if any(field["value"] == "throughline.attempt" for field in log["fields"])]


def test_300_calls_are_300_records_of_which_a_tenth_is_traced(http: httpx.Client, stack: Stack) -> None:
    """Made by a process of its own with the plain client: 280 normal calls, 8 that take long, at last 12 that fail."""
    run_id = secrets.token_hex(8)
    make_calls(stack, run_id, normal=280, failed=12, slow=8)
    mine = {"term": {"attributes.session.id": run_id}}
    records = eventually(
        lambda: at_least(300, documents(http, stack, "logs-genai.record.otel-default", mine, 1000)), "300 records"
    )
    assert len(records) == 300
    assert len({record["attributes"]["throughline.record.id"] for record in records}) == 300
    assert sum("error.type" in record["attributes"] for record in records) == 12
    roots = {"bool": {"filter": [mine, {"term": {"name": "question"}}]}}

    def kept() -> Counter[str] | None:
        found = documents(http, stack, "traces-generic.otel-default", roots, 1000)
        kinds = Counter(span["attributes"]["gen_ai.conversation.id"] for span in found)
        return kinds if (kinds["failed"], kinds["slow"]) == (12, 8) else None

    traces = eventually(kept, "the traces of all failed and slow calls")
    assert 10 <= traces["normal"] <= 50  # a tenth of 280 is 28; this is four standard deviations either way


def at_least(count: int, found: list[Any]) -> list[Any] | None:
    return found if len(found) >= count else None
