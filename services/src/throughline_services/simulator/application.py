"""The simulator's HTTP routes: who may ask what, and the control of its behaviour; logs no prompt."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from throughline_services.simulator import embeddings
from throughline_services.simulator.behaviour import Behaviour, Fate, Oracle
from throughline_services.simulator.chat import Chat
from throughline_services.simulator.delivery import Exchange, error, headers, refused, streamed, whole
from throughline_services.simulator.models import PROFILES
from throughline_services.simulator.responses import Responses

Make = Callable[[Mapping[str, Any], Fate], Exchange]


class Simulator:
    """The routes of one simulated provider."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.oracle = Oracle(behaviour)

    async def chat(self, http: Request) -> Response:
        azure = "deployment" in http.path_params
        return await self._exchange(http, "messages", lambda body, fate: Chat(body, fate, azure), named_events=False)

    async def responses(self, http: Request) -> Response:
        return await self._exchange(http, "input", Responses, named_events=True)

    async def embeddings(self, http: Request) -> Response:
        body = await _body(http, "input")
        if isinstance(body, Response):
            return body
        fate = self.oracle.draw(await http.body(), body["model"])
        if refusal := await refused(fate, http):
            return refusal
        return JSONResponse(embeddings.reply(body), headers=headers(fate))

    async def models(self, _http: Request) -> Response:
        listed = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "simulator"} for name in PROFILES
        ]
        return JSONResponse({"object": "list", "data": listed})

    async def control(self, http: Request) -> Response:
        """GET tells the behaviour and what was seen; PUT changes the settings that it names and keeps the others."""
        if http.method == "PUT":
            try:
                wanted = {**self.oracle.behaviour.model_dump(), "next": [], **json.loads(await http.body())}
                self.oracle.behave(Behaviour.model_validate(wanted))
            except (ValidationError, ValueError, TypeError) as wrong:
                return JSONResponse({"error": _complaint(wrong)}, status_code=400)
        return JSONResponse(
            {"behaviour": self.oracle.behaviour.model_dump(mode="json"), "seen": dict(self.oracle.seen)}
        )

    async def _exchange(self, http: Request, required: str, make: Make, named_events: bool) -> Response:
        body = await _body(http, required)
        if isinstance(body, Response):
            return body
        fate = self.oracle.draw(await http.body(), body["model"])
        if refusal := await refused(fate, http):
            return refusal
        try:
            exchange = make(body, fate)
        except (KeyError, TypeError, AttributeError, IndexError):
            return error(400, "invalid_request_error", "invalid_value", f"{required} is not of the protocol's shape")
        return await streamed(exchange, fate, named_events) if body.get("stream") else await whole(exchange, fate)


async def _body(http: Request, required: str) -> Mapping[str, Any] | Response:
    """The request's JSON, or the answer that says what is wrong with it."""
    key = http.headers.get("authorization", "").removeprefix("Bearer ") or http.headers.get("api-key", "")
    if not key or key == "invalid":
        return error(401, "invalid_request_error", "invalid_api_key", "Send any API key but `invalid`.")
    try:
        body = json.loads(await http.body())
    except ValueError:
        return error(400, "invalid_request_error", "invalid_json", "The body is not JSON.")
    if not isinstance(body, dict) or not body.get(required):
        return error(400, "invalid_request_error", "missing_required_parameter", f"Missing parameter: {required}.")
    named = {"model": http.path_params["deployment"]} if "deployment" in http.path_params else {}
    if not isinstance({**body, **named}.get("model"), str):
        return error(400, "invalid_request_error", "missing_required_parameter", "Missing parameter: model.")
    return {**body, **named}


def _complaint(wrong: Exception) -> str:
    if isinstance(wrong, ValidationError):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors())
    return "the body is not a JSON object"


async def healthy(_http: Request) -> Response:
    return JSONResponse({"status": "ok"})


def application(behaviour: Behaviour) -> Starlette:
    simulator = Simulator(behaviour)
    served = {"chat/completions": simulator.chat, "responses": simulator.responses, "embeddings": simulator.embeddings}
    roots = ("/v1", "/openai", "/openai/v1", "/openai/deployments/{deployment}")
    routes = [Route(f"{root}/{path}", handle, methods=["POST"]) for root in roots for path, handle in served.items()]
    return Starlette(
        routes=[
            *routes,
            Route("/v1/models", simulator.models),
            Route("/control", simulator.control, methods=["GET", "PUT"]),
            Route("/healthz", healthy),
        ]
    )
