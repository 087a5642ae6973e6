"""The gateway's other routes: waterfall, rating, links, health, and the page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import throughline
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from throughline_services.gateway.bodies import Prompt, Question

Start = Callable[..., Awaitable[Any]]
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def span(identifier: str, parent: str | None, start: int, duration: int, **tags: Any) -> dict[str, Any]:
    references = [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": parent}] if parent else []
    return {
        "spanID": identifier,
        "operationName": f"step {identifier}",
        "references": references,
        "startTime": 1_700_000_000_000_000 + start,
        "duration": duration,
        "processID": "p2" if identifier == "model" else "p1",
        "tags": [{"key": key.replace("__", "."), "value": value} for key, value in tags.items()],
    }


SPANS = [
    span("model", "call", 3000, 4000, gen_ai__request__model="sim-small", gen_ai__input__messages="secret", error=True),
    span("call", "root", 2000, 6000, span__kind="client"),
    span("root", "0000000000000001", 0, 10_000, span__kind="server"),
    span("early", "root", 500, 1000),
]
PROCESSES = {"p1": {"serviceName": "gateway"}, "p2": {"serviceName": "llm-caller"}}


@pytest.fixture
async def answering(serving: Any) -> AsyncIterator[Callable[[Response], Awaitable[tuple[str, list[str]]]]]:
    """Starts a query API that always answers so; gives its URL and the paths that it is asked for."""
    async with AsyncExitStack() as stack:

        async def start(reply: Response) -> tuple[str, list[str]]:
            asked: list[str] = []

            async def answer(request: Request) -> Response:
                asked.append(request.url.path)
                return reply

            application = Starlette(routes=[Route("/{path:path}", answer)])
            return await stack.enter_async_context(serving(application)), asked

        yield start


async def test_waterfall_is_in_order_with_depths_and_shows_no_content(gateway: Start, answering: Any) -> None:
    url, asked = await answering(JSONResponse({"data": [{"spans": SPANS, "processes": PROCESSES}]}))
    everything = await gateway(jaeger_url=url)
    reply = await everything.http.get(f"{everything.url}/v1/traces/{TRACE.upper()}")
    body = reply.json()
    assert asked == [f"/api/traces/{TRACE}"]
    assert (reply.status_code, body["status"], body["duration_ms"]) == (200, "present", 10.0)
    bars = [(bar["span_id"], bar["depth"], bar["start_ms"], bar["duration_ms"]) for bar in body["spans"]]
    assert bars == [("root", 0, 0, 10.0), ("early", 1, 0.5, 1.0), ("call", 1, 2.0, 6.0), ("model", 2, 3.0, 4.0)]
    model = body["spans"][3]
    assert (model["service"], model["error"], model["details"]) == ("llm-caller", True, {"model": "sim-small"})
    assert "secret" not in reply.text


@pytest.mark.parametrize("reply", [JSONResponse({"errors": []}, status_code=404), JSONResponse({"data": []})])
async def test_trace_that_is_not_there_yet_is_pending(gateway: Start, answering: Any, reply: Response) -> None:
    url, _ = await answering(reply)
    everything = await gateway(jaeger_url=url)
    pending = await everything.http.get(f"{everything.url}/v1/traces/{TRACE}")
    assert (pending.status_code, pending.headers["retry-after"]) == (202, "1")
    assert pending.json() == {"trace_id": TRACE, "status": "pending", "spans": []}


@pytest.mark.parametrize("reply", [JSONResponse({}, status_code=500), Response("no JSON"), JSONResponse({"x": 1})])
async def test_jaeger_that_fails_is_told_as_unavailable(gateway: Start, answering: Any, reply: Response) -> None:
    url, _ = await answering(reply)
    everything = await gateway(jaeger_url=url)
    failed = await everything.http.get(f"{everything.url}/v1/traces/{TRACE}")
    assert (failed.status_code, failed.json()["error"]["reason"]) == (503, "JAEGER_UNAVAILABLE")


async def test_waterfall_without_jaeger_says_what_to_set_and_a_wrong_id_what_it_should_be(gateway: Start) -> None:
    everything = await gateway()
    unset = await everything.http.get(f"{everything.url}/v1/traces/{TRACE}")
    assert unset.status_code == 501
    assert "JAEGER_URL" in unset.json()["error"]["message"]
    wrong = await everything.http.get(f"{everything.url}/v1/traces/..%2f..%2fapi")
    assert wrong.status_code in {400, 404}
    assert (await everything.http.get(f"{everything.url}/v1/traces/{TRACE[:-1]}g")).status_code == 400


@pytest.fixture
def emitted() -> Iterator[InMemoryLogRecordExporter]:
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    throughline.instrument(tracer_provider=TracerProvider(), meter_provider=MeterProvider(), logger_provider=provider)
    yield exporter
    throughline.uninstrument()


@pytest.mark.parametrize(
    ("given", "value"), [({"thumb": "up"}, 1.0), ({"thumb": "down"}, 0.0), ({"score": 0.4}, 0.4), ({"score": 0}, 0.0)]
)
async def test_rating_becomes_an_evaluation_tied_to_the_trace(
    gateway: Start, emitted: InMemoryLogRecordExporter, given: dict[str, Any], value: float
) -> None:
    everything = await gateway()
    rating = {"trace_id": TRACE, "span_id": SPAN, "comment": "Ask ana@example.com", **given}
    reply = await everything.http.post(f"{everything.url}/v1/ratings", json=rating)
    assert reply.status_code == 201
    (record,) = [item.log_record for item in emitted.get_finished_logs()]
    attributes = dict(record.attributes or {})
    assert record.event_name == "gen_ai.evaluation.result"
    assert (f"{record.trace_id:032x}", f"{record.span_id:016x}") == (TRACE, SPAN)
    assert (attributes["gen_ai.evaluation.name"], attributes["gen_ai.evaluation.score.value"]) == ("user_rating", value)
    assert "ana@example.com" not in str(attributes)
    assert attributes["throughline.evaluation.source"] == "user"
    assert "gen_ai.prompt.name" not in attributes


async def test_rating_that_names_the_answers_prompt_belongs_to_it(
    gateway: Start, emitted: InMemoryLogRecordExporter
) -> None:
    everything = await gateway()
    answer = (await everything.ask(variant="concise")).json()
    emitted.clear()
    rating = {"trace_id": TRACE, "thumb": "up", "prompt": answer["prompt"]}
    reply = await everything.http.post(f"{everything.url}/v1/ratings", json=rating)
    assert reply.status_code == 201
    (record,) = [item.log_record for item in emitted.get_finished_logs()]
    attributes = dict(record.attributes or {})
    keys = ("gen_ai.prompt.name", "gen_ai.prompt.version", "throughline.prompt.variant")
    assert [attributes[key] for key in keys] == [answer["prompt"][key] for key in ("name", "version", "variant")]
    assert f"{record.trace_id:032x}" == TRACE


@pytest.mark.usefixtures("traced")
async def test_rating_says_for_itself_what_it_rates_whatever_the_callers_baggage_says(
    gateway: Start, emitted: InMemoryLogRecordExporter
) -> None:
    everything = await gateway()
    baggage = "throughline.judging=true,gen_ai.prompt.name=another,throughline.experiment.name=another"
    for prompt in ({}, {"prompt": {"name": "help-desk", "variant": "concise"}}):
        emitted.clear()
        rating = {"trace_id": TRACE, "thumb": "up", **prompt}
        reply = await everything.http.post(
            f"{everything.url}/v1/ratings", json=rating, headers={"baggage": f"user.id=ana,{baggage}"}
        )
        assert reply.status_code == 201
        (record,) = [item.log_record for item in emitted.get_finished_logs()]
        attributes = dict(record.attributes or {})
        assert attributes["user.id"] == "ana"
        assert attributes.get("gen_ai.prompt.name") == ("help-desk" if prompt else None)
        assert not {"throughline.judging", "throughline.experiment.name"} & attributes.keys()


async def test_page_sends_a_rating_with_the_prompt_of_its_answer(gateway: Start) -> None:
    """The names that the page takes out of an answer are those that a rating accepts."""
    everything = await gateway()
    page = (await everything.http.get(f"{everything.url}/")).text
    assert "current.prompt = data.prompt" in page
    assert "const { name, version, variant } = mine.prompt" in page
    assert set(Prompt.model_fields) == {"name", "version", "variant"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"trace_id": TRACE, "thumb": "up", "prompt": {"version": "1"}},
        {"trace_id": TRACE, "thumb": "up", "prompt": {"name": ""}},
        {"trace_id": TRACE, "thumb": "up", "prompt": {"name": "x" * 129}},
        {"trace_id": TRACE, "thumb": "up", "prompt": {"name": "help\ndesk"}},
        {"trace_id": TRACE, "thumb": "up", "prompt": {"name": "help-desk", "user_id": "eve"}},
        {"trace_id": TRACE, "thumb": "up", "prompt": "help-desk"},
        {"thumb": "up"},
        {"trace_id": TRACE},
        {"trace_id": TRACE, "thumb": "up", "score": 1},
        {"trace_id": TRACE, "score": 1.1},
        {"trace_id": "xyz", "thumb": "up"},
        {"trace_id": TRACE, "span_id": "1", "thumb": "up"},
    ],
)
async def test_wrong_rating_is_refused(gateway: Start, emitted: Any, wrong: dict[str, Any]) -> None:
    everything = await gateway()
    reply = await everything.http.post(f"{everything.url}/v1/ratings", json=wrong)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (400, "BODY_INVALID")
    assert emitted.get_finished_logs() == ()


async def test_health_and_links(gateway: Start) -> None:
    everything = await gateway(grafana_url="http://grafana.test:3000")
    assert (await everything.http.get(f"{everything.url}/healthz")).json() == {"status": "ok"}
    links = (await everything.http.get(f"{everything.url}/v1/links")).json()
    assert links == {"grafana": "http://grafana.test:3000", "jaeger": None}


async def test_page_runs_only_its_own_script_and_fetches_from_nowhere_else(gateway: Start) -> None:
    everything = await gateway()
    reply = await everything.http.get(f"{everything.url}/")
    assert reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", reply.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", reply.text)
    assert " style=" not in reply.text
    assert not re.search(r"\son\w+\s*=", reply.text), "inline handlers would be blocked"


async def test_page_puts_nothing_that_it_receives_into_markup(gateway: Start) -> None:
    everything = await gateway()
    page = (await everything.http.get(f"{everything.url}/")).text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", page)


async def test_page_asks_for_its_trace_to_be_kept_and_for_nothing_unknown(gateway: Start) -> None:
    everything = await gateway()
    page = (await everything.http.get(f"{everything.url}/")).text
    (wish,) = re.findall(r"const wish = \{(.*?)\};", page, re.DOTALL)
    assert "keep: true" in wish
    assert set(re.findall(r"(\w+):", wish)) <= set(Question.model_fields)


async def test_page_labels_every_field_and_names_its_language(gateway: Start) -> None:
    everything = await gateway()
    page = (await everything.http.get(f"{everything.url}/")).text
    fields = set(re.findall(r"<(?:input|textarea|select)[^>]*\bid=\"([^\"]+)\"", page))
    assert fields
    assert fields <= set(re.findall(r"<label for=\"([^\"]+)\"", page))
    assert '<html lang="en">' in page
    used = set(re.findall(r"\$\(\"([a-z]+)\"\)", page))
    assert used <= set(re.findall(r"\bid=\"([^\"]+)\"", page)), "the script asks for elements that are there"
