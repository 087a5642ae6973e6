"""The gateway's HTTP routes: decode, call, encode; knows no contract and opens no socket."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import throughline
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from throughline_services.gateway.asking import Answer, Services
from throughline_services.gateway.bodies import Prompt, Question, Rating, TraceId, read
from throughline_services.gateway.page import load_page
from throughline_services.gateway.settings import GatewaySettings
from throughline_services.gateway.statuses import answered, failed, no_route, refusal
from throughline_services.gateway.waterfall import Jaeger
from throughline_services.runtime import tracing
from throughline_services.runtime.http import Push, PushedStream, server_sent_event

TRACE_ID = TypeAdapter(TraceId)


class Gateway:
    """The routes."""

    def __init__(self, settings: GatewaySettings, services: Services, jaeger: Jaeger) -> None:
        self._settings = settings
        self._services = services
        self._jaeger = jaeger
        self._page = load_page()

    async def ask(self, request: Request) -> Response:
        question = await read(request, Question, self._settings.max_body_bytes)
        if "text/event-stream" in request.headers.get("accept", ""):
            return PushedStream(lambda push: self._stream(question, push), _trace_headers())
        answer = await self._services.ask(question)
        return JSONResponse(answer.as_json(), headers=_trace_headers())

    async def _stream(self, question: Question, push: Push) -> None:
        """The status is long sent when something fails, so the failure is an event."""

        async def on_delta(text: str) -> None:
            await push(server_sent_event("delta", {"text": text}))

        await push(server_sent_event("trace", _trace()))
        try:
            answer: Answer = await self._services.ask(question, on_delta)
        except Exception as error:
            await push(server_sent_event("error", {**refusal(error)[1], **_trace()}))
        else:
            await push(server_sent_event("answer", answer.as_json()))

    async def trace(self, request: Request) -> Response:
        """202 while the trace is not there yet: ask again."""
        try:
            trace_id = TRACE_ID.validate_python(request.path_params["trace_id"])
        except ValidationError:
            return failed(400, "TRACE_ID_INVALID", "a trace id has 32 hexadecimal digits")
        waterfall = await self._jaeger.waterfall(trace_id)
        if waterfall["status"] == "pending":
            return JSONResponse(waterfall, status_code=202, headers={"retry-after": "1"})
        return JSONResponse(waterfall)

    async def rate(self, request: Request) -> Response:
        rating = await read(request, Rating, self._settings.max_body_bytes)
        with _rated(rating.prompt):
            throughline.evaluate(
                "user_rating",
                score=rating.value,
                label=rating.thumb,
                explanation=rating.comment,
                trace_id=rating.trace_id,
                span_id=rating.span_id,
                source="user",
            )
        return JSONResponse({"status": "recorded", "trace_id": rating.trace_id}, status_code=201)

    async def links(self, _request: Request) -> Response:
        """Where else to look, for the page; null: not there."""
        return JSONResponse({"grafana": self._settings.grafana_url, "jaeger": self._settings.jaeger_page_url})

    async def page(self, _request: Request) -> Response:
        return HTMLResponse(self._page.text, headers=self._page.headers)


async def healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _trace() -> Mapping[str, Any]:
    ids = tracing.current_ids()
    return {"trace_id": ids and ids.trace_id, "span_id": ids and ids.span_id}


def _rated(prompt: Prompt | None) -> AbstractContextManager[object]:
    """Whoever rates minutes later rates an answer to that prompt, whatever his baggage says."""
    if prompt is None:
        return throughline.identify(judging=False, prompt_name="")
    return throughline.identify(
        judging=False, prompt_name=prompt.name, prompt_version=prompt.version, prompt_variant=prompt.variant
    )


def _trace_headers() -> dict[str, str]:
    ids = tracing.current_ids()
    return {"traceparent": ids.traceparent} if ids else {}


def application(settings: GatewaySettings, services: Services, jaeger: Jaeger) -> Starlette:
    gateway = Gateway(settings, services, jaeger)
    return Starlette(
        routes=[
            Route("/", gateway.page),
            Route("/healthz", healthy),
            Route("/v1/ask", answered(gateway.ask), methods=["POST"]),
            Route("/v1/links", gateway.links),
            Route("/v1/ratings", answered(gateway.rate), methods=["POST"]),
            Route("/v1/traces/{trace_id}", answered(gateway.trace)),
        ],
        exception_handlers={HTTPException: no_route},
    )
