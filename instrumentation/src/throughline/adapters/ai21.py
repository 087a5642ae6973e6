"""AI21's client, also for Azure, Bedrock and Vertex: chat completions. Not its agents and files."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Route, Running
from throughline.adapters import openai_chat
from throughline.adapters.cohere_v1 import documents
from throughline.adapters.stainless import StainlessAdapter
from throughline.operation import Operation
from throughline.servers import server

_PROVIDERS = {  # folder of the client's class → whose servers it talks to
    "azure": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "launchpad": "gcp.vertex_ai",
    "vertex": "gcp.vertex_ai",
}
_STREAMS = StainlessAdapter()  # the client's two classes of streams are copies of Stainless's
_headers: ContextVar[Mapping[str, str] | None] = ContextVar("throughline_ai21_headers", default=None)


class Chat(openai_chat.Chat):
    """`/chat/completions`: OpenAI's messages, and documents beside them."""

    params = {
        "model": "model",
        "stream": "stream",
        "max_tokens": "max_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "choice_count": "n",
    }
    constants = {}
    results = {
        "response_id": "id",
        "response_model": "model",
        "input_tokens": "usage.prompt_tokens",
        "output_tokens": "usage.completion_tokens",
    }

    def request_content(self, op: Operation, body: Any) -> None:
        super().request_content(op, body)
        op.input = [*(op.input or ()), *documents(body)]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold(whole, chunk)
        whole.setdefault("model", None)  # chunks do not name it: nothing is to be waited for

    def ask_usage(self, body: Any) -> Any:
        """It is sent with the last chunk anyway."""


_CHAT = Chat()


def _failed(response: Any) -> int | None:
    """The status of an attempt that failed, which the client raises only when it gives up."""
    status: int = response.status_code
    return status if status >= 400 else None


@lru_cache(maxsize=100)
def _server(client: type, url: str) -> tuple[str, str | None, int | None]:
    """Provider, address and port of a client of this class; an application's own class is derived from one of these."""
    folders = (folder for one in client.__mro__ for folder in one.__module__.split("."))
    provider = next((_PROVIDERS[folder] for folder in folders if folder in _PROVIDERS), "ai21")
    return provider, *server(url)


class AI21(Adapter):
    """The `ai21` package."""

    coarse = frozenset({"AI21APIError"})
    patches = (
        Patch("ai21.clients.studio.resources.studio_resource:StudioResource._post"),
        Patch("ai21.clients.studio.resources.studio_resource:AsyncStudioResource._post"),
        Patch("ai21.http_client.http_client:AI21HTTPClient._run_request", "attempt", failed=_failed),
        Patch("ai21.http_client.async_http_client:AsyncAI21HTTPClient._run_request", "attempt", failed=_failed),
        Patch("ai21.http_client.base_http_client:BaseHttpClient._build_request", "seen"),
    )

    def route(self, call: Call) -> Route | None:
        asked, client = call.named("path", "body"), call.instance._client
        if asked["path"] != "/chat/completions":
            return None
        return Route(_CHAT, asked["body"], *_server(client.__class__, client._base_url))

    def prepare(self, call: Call, running: Running) -> None:  # noqa: ARG002 - whatever it is, no headers are its own yet
        _headers.set(None)

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - usage is always sent
        _headers.set(headers)

    def saw(self, call: Call, result: Any, running: Running | None) -> None:  # noqa: ARG002 - the result has it all
        """A request of the operation is about to be sent."""
        if running is not None and (headers := _headers.get()):
            result.headers.update(headers)

    def deliver(self, result: Any, running: Running) -> Any:
        return _STREAMS.deliver(result, running)
