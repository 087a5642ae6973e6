"""POST /v1/ask through all services, over real sockets: JSON, server-sent events, refusals, identity, cancellation."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import throughline
import yaml
from throughline_services.gateway.asking import Services
from throughline_services.gateway.bodies import Question
from throughline_services.llm_caller.calling import Model
from throughline_services.postprocessor import servicer as postprocessor
from throughline_services.prompt_builder.settings import PACKAGED
from throughline_services.runtime import ServiceError

Start = Callable[..., Awaitable[Any]]
SSE = {"accept": "text/event-stream"}
FIELDS = {
    "answer",
    "trace_id",
    "span_id",
    "model",
    "finish_reason",
    "usage",
    "scores",
    "masked",
    "prompt",
    "passages",
}


def events(text: str) -> list[tuple[str, Any]]:
    """Name and data of each, as a browser would read them."""
    parsed = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        parsed.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return parsed


async def test_answer_comes_with_scores_usage_prompt_and_passages(gateway: Start) -> None:
    reply = await (await gateway()).ask(user_id="ana", variant="concise", model="sim-large")
    assert reply.status_code == 200
    body = reply.json()
    assert body.keys() == FIELDS
    assert "ten working days" in body["answer"]
    assert (body["model"], body["finish_reason"], body["masked"]) == ("sim-large", "stop", 0)
    assert {score["name"] for score in body["scores"]} == {"groundedness", "format", "length", "refusal"}
    assert body["usage"]["input_tokens"] > 0
    assert body["prompt"] == {"name": "help-desk", "version": "1", "variant": "concise"}
    assert len(body["passages"]) == 4


@pytest.mark.usefixtures("traced")
async def test_reply_names_its_trace_which_is_that_of_the_request(gateway: Start) -> None:
    everything = await gateway()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    reply = await everything.http.post(
        f"{everything.url}/v1/ask", json={"question": "How long does a claim take?"}, headers={"traceparent": parent}
    )
    body = reply.json()
    assert body["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert reply.headers["traceparent"].split("-")[1:3] == [body["trace_id"], body["span_id"]]


async def test_untraced_reply_has_no_trace_id(gateway: Start) -> None:
    reply = await (await gateway()).ask()
    assert reply.json()["trace_id"] is None
    assert "traceparent" not in reply.headers


async def test_personal_data_in_the_answer_is_masked(gateway: Start) -> None:
    body = (await (await gateway()).ask("How long does a claim take? Write to ana@example.com")).json()
    assert "ana@example.com" not in body["answer"]
    assert body["masked"] == 1


@pytest.mark.usefixtures("traced")
async def test_stream_names_the_trace_delivers_text_and_ends_with_the_answer(gateway: Start) -> None:
    everything = await gateway()
    reply = await everything.http.post(
        f"{everything.url}/v1/ask", json={"question": "How long does a claim take?"}, headers=SSE
    )
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["cache-control"] == "no-store"
    names, data = zip(*events(reply.text), strict=True)
    assert names == ("trace", *["delta"] * (len(names) - 2), "answer")
    assert len(names) > 5
    assert data[-1].keys() == FIELDS
    assert "".join(delta["text"] for delta in data[1:-1]) == data[-1]["answer"]
    assert data[0]["trace_id"] == data[-1]["trace_id"] == reply.headers["traceparent"].split("-")[1]


async def test_text_arrives_while_the_model_writes_and_a_reader_who_leaves_ends_its_call(gateway: Start) -> None:
    everything = await gateway()
    await everything.simulator.control(inter_chunk=60)
    question = {"question": "How long does a claim take?"}
    async with everything.http.stream("POST", f"{everything.url}/v1/ask", json=question, headers=SSE) as reply:
        async for line in reply.aiter_lines():
            if line.startswith('data: {"text"'):
                break
    await everything.simulator.until_seen("left")


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("by_body", [True, False])
async def test_ids_of_the_body_or_of_the_baggage_header_travel_as_identity(gateway: Start, by_body: bool) -> None:
    everything = await gateway()
    ids = {"user_id": "ana", "session_id": "s-1", "conversation_id": "c-1", "keep": True} if by_body else {}
    header = "user.id=ana,session.id=s-1,gen_ai.conversation.id=c-1,throughline.keep=true"
    reply = await everything.http.post(
        f"{everything.url}/v1/ask",
        json={"question": "How long does a claim take?", "variant": "concise", **ids},
        headers={} if by_body else {"baggage": header},
    )
    assert reply.status_code == 200
    shipped = throughline.prompts.Folder(PACKAGED).get("help-desk", variant="concise")
    who = {"user_id": "ana", "session_id": "s-1", "conversation_id": "c-1", "keep": True}
    assert everything.corpus.identities == [throughline.Identity(**who, **shipped.identity)]


@pytest.mark.usefixtures("traced")
async def test_experiment_and_template_of_a_user_are_known_to_every_service_and_no_caller_is_a_judge(
    gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, throughline.Identity] = {}
    noting(monkeypatch, Model, "_request", seen)
    noting(monkeypatch, postprocessor, "process", seen)
    noting(monkeypatch, Services, "_build", seen)
    everything = await gateway()
    answers = {}
    for number in range(12):
        reply = await everything.http.post(
            f"{everything.url}/v1/ask",
            json={"question": "How long does a claim take?", "user_id": f"u{number}"},
            headers={
                "baggage": "throughline.judging=true,throughline.experiment.name=another,gen_ai.prompt.name=another"
            },
        )
        answers[f"u{number}"] = reply.json()["prompt"]["variant"]
        with throughline.identify(user_id=f"u{number}"):
            chosen = throughline.prompts.Folder(PACKAGED).get("help-desk")
            expected = throughline.Identity(user_id=f"u{number}", **chosen.identity)
        assert expected.experiment == "help-desk-wording"
        assert answers[f"u{number}"] == chosen.variant
        before = throughline.Identity(user_id=f"u{number}")
        assert seen == {"_build": before, "_request": expected, "process": expected}
        assert everything.corpus.identities[-1] == expected
    assert set(answers.values()) == {"concise", "stepwise"}


def noting(patch: pytest.MonkeyPatch, service: Any, work: str, seen: dict[str, throughline.Identity]) -> None:
    """Note the identity under which a service does this work."""
    original = getattr(service, work)

    def noted(*arguments: Any) -> Any:
        seen[work] = throughline.identity()
        return original(*arguments)

    patch.setattr(service, work, noted)


async def test_parameters_are_those_of_the_prompt_unless_the_question_has_its_own(
    gateway: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parameters = {"model": "sim-large", "temperature": 0.0, "max_tokens": 20, "top_p": 0.5, "seed": 7, "stop": ["END"]}
    monkeypatch.setenv("THROUGHLINE_PROMPTS", str(with_parameters(tmp_path, parameters)))
    sent: list[dict[str, Any]] = []
    requested = Model._request
    monkeypatch.setattr(Model, "_request", lambda *given: sent.append(requested(*given)) or sent[-1])
    everything = await gateway()
    cut = (await everything.ask()).json()
    assert (cut["model"], cut["finish_reason"]) == ("sim-large", "length")
    whole = (await everything.ask(model="sim-small", max_tokens=500, temperature=1)).json()
    assert (whole["model"], whole["finish_reason"]) == ("sim-small", "stop")
    fixed = {"top_p": 0.5, "seed": 7, "stop": ["END"]}
    expected = [
        {"model": "sim-large", "temperature": 0.0, "max_completion_tokens": 20, **fixed},
        {"model": "sim-small", "temperature": 1.0, "max_completion_tokens": 500, **fixed},
    ]
    assert [{name: each[name] for name in expected[0]} for each in sent] == expected


async def test_parameters_that_nobody_takes_are_refused_with_those_that_are_taken(
    gateway: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THROUGHLINE_PROMPTS", str(with_parameters(tmp_path, {"top_k": 5})))
    error = (await (await gateway()).ask()).json()["error"]
    assert error["reason"] == "PARAMETERS_UNKNOWN"
    assert "temperature, top_p, max_tokens" in error["message"]


def with_parameters(folder: Path, parameters: dict[str, Any]) -> Path:
    """The shipped prompt with these parameters."""
    shipped = yaml.safe_load((PACKAGED / "help-desk" / "1.yaml").read_text())
    (folder / "help-desk").mkdir()
    (folder / "help-desk" / "1.yaml").write_text(yaml.safe_dump({**shipped, "parameters": parameters}))
    return folder


ERRORS = [
    (["429"] * 3, 429, "RATE_LIMITED"),
    (["500"] * 3, 503, "MODEL_FAILED"),
]


@pytest.mark.parametrize(("forced", "status", "reason"), ERRORS)
async def test_failure_of_the_model_is_a_status_with_a_reason_and_as_an_event(
    gateway: Start, forced: list[str], status: int, reason: str
) -> None:
    everything = await gateway()
    await everything.simulator.control(next=forced * 2)
    reply = await everything.ask()
    assert (reply.status_code, reply.json()["error"]["reason"]) == (status, reason)
    assert reply.headers["retry-after"] == "1"
    streamed = await everything.http.post(
        f"{everything.url}/v1/ask", json={"question": "How long does a claim take?"}, headers=SSE
    )
    assert [(name, data.get("error", {}).get("reason")) for name, data in events(streamed.text)] == [
        ("trace", None),
        ("error", reason),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [("NOT_FOUND", 404), ("FAILED_PRECONDITION", 503), ("DEADLINE_EXCEEDED", 504), ("DATA_LOSS", 502)],
)
async def test_status_of_a_service_decides_the_http_status(gateway: Start, code: str, status: int) -> None:
    everything = await gateway()
    everything.corpus.failure = ServiceError(getattr(grpc.StatusCode, code), "SOME_REASON", "do this next")
    reply = await everything.ask()
    assert reply.status_code == status
    assert reply.json() == {"error": {"reason": "SOME_REASON", "message": "do this next"}, "trace_id": None}


async def test_service_that_is_down_is_unavailable(gateway: Start) -> None:
    reply = await (await gateway(prompt_builder="127.0.0.1:1")).ask()
    assert (reply.status_code, reply.json()["error"]["reason"]) == (503, "UNAVAILABLE")


async def test_unforeseen_error_shows_neither_content_nor_trace(
    gateway: Start, caplog: pytest.LogCaptureFixture
) -> None:
    everything = await gateway()
    everything.corpus.failure = RuntimeError("canary-8812")
    with caplog.at_level(logging.DEBUG):
        reply = await everything.ask("How long does a claim take? canary-8812")
    assert (reply.status_code, reply.json()["error"]["reason"]) == (502, "UNEXPECTED")
    assert "canary-8812" not in reply.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("throughline", "uvicorn"))]
    assert ours
    assert "canary-8812" not in "".join(ours)


async def test_request_that_takes_too_long_is_told_so(gateway: Start) -> None:
    everything = await gateway(request_timeout=1.0, deadline_margin=0.2)
    await everything.simulator.control(next=["timeout"])
    reply = await everything.ask()
    assert reply.status_code == 504


WRONG = [
    (b"", "Invalid JSON"),
    (b"[]", "object"),
    (b'{"question": " "}', "question"),
    (b'{"query": "x"}', "question"),
    (b'{"question": "x", "temperature": 3}', "temperature"),
    (b'{"question": "x", "user_id": "a\\nb"}', "user_id"),
    (b'{"question": "x", "max_tokens": 0}', "max_tokens"),
]


@pytest.mark.parametrize(("body", "named"), WRONG)
async def test_wrong_body_is_refused_by_field_with_the_fields_there_are(
    gateway: Start, body: bytes, named: str
) -> None:
    everything = await gateway()
    reply = await everything.http.post(f"{everything.url}/v1/ask", content=body)
    error = reply.json()["error"]
    assert (reply.status_code, error["reason"]) == (400, "BODY_INVALID")
    assert named in error["message"]
    assert all(name in error["message"] for name in Question.model_fields)
    assert everything.corpus.asked == []


async def test_body_beyond_the_limit_is_refused_unread(gateway: Start) -> None:
    everything = await gateway(max_body_bytes=100)
    reply = await everything.ask("x" * 200)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v2/ask", 404), ("GET", "/v1/ask", 405)])
async def test_unknown_route_is_told_as_json(gateway: Start, method: str, path: str, status: int) -> None:
    everything = await gateway()
    reply = await everything.http.request(method, everything.url + path)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (status, "NO_SUCH_ROUTE")


async def test_many_at_once_get_their_own_answers(gateway: Start) -> None:
    everything = await gateway()
    variants = ["concise", "stepwise"] * 10
    replies: list[httpx.Response] = await asyncio.gather(
        *(everything.ask(variant=variant, user_id=f"u{number}") for number, variant in enumerate(variants))
    )
    assert [reply.json()["prompt"]["variant"] for reply in replies] == variants
