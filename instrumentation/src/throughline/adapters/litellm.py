"""LiteLLM: its functions for every provider, whichever client or HTTP library serves them. Not its proxy server.

A call is one operation, however often LiteLLM tries again or falls back to another model inside it. A `Router` calls
these functions anew for each attempt, on deployments of its choice: each of these is an operation of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters import cohere, openai, openai_chat, openai_media, openai_responses
from throughline.operation import Operation
from throughline.parts import get, items, member
from throughline.servers import server

_PROVIDERS = {  # as LiteLLM calls them → as the conventions or, of those they do not know, the price list do
    "anthropic_text": "anthropic",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_text": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "codestral": "mistral_ai",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "ollama_chat": "ollama",
    "text-completion-codestral": "mistral_ai",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "watsonx_text": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens")
_MOST_CAUSES = 8


class _Answered(Reader):
    """What the readers of OpenAI's shapes, into which LiteLLM puts all replies, need besides."""

    constants = {}

    def response(self, op: Operation, body: Any) -> None:
        usage = get(body, "hidden.usage")
        super().response(op, body if usage is None else {**body, "usage": usage})
        if told := get(body, "told"):
            op.response_model = told
        cached = get(body, "cached") or _hidden(body).get("cache_hit")  # LiteLLM's own cache answered: nobody is paid
        if cached or (op.input_tokens == 0 and not op.output_tokens):  # older versions say so where nobody counted
            for field in _USAGE:
                vars(op).pop(field, None)

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold(whole, chunk)
        hidden = _hidden(chunk)
        if "told" not in whole and (told := hidden.get("provider_response_model")):
            whole["told"] = told
        if hidden.get("usage") is not None:  # the last one is of the whole stream, and put right at its very end
            whole["hidden"] = hidden

    def ask_usage(self, body: Any) -> Any:
        """LiteLLM asks for it by itself."""


def _hidden(reply: Any) -> Mapping[str, Any]:
    found = getattr(reply, "_hidden_params", None)
    return found if isinstance(found, dict) else {}


class Chat(_Answered, openai_chat.Chat):
    """`completion`."""

    results = {
        **openai_chat.Chat.results,
        "cache_creation_tokens": "usage.cache_creation_input_tokens | usage.prompt_tokens_details.cache_write_tokens"
        " | usage.prompt_tokens_details.cache_creation_tokens",
    }

    def request(self, op: Operation, body: Any) -> None:
        if isinstance(member(body, "response_format"), type):  # a model's class, of which LiteLLM makes a schema
            body = {**body, "response_format": {"type": "json_schema"}}
        super().request(op, body)

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        details = get(body, "hidden.usage.prompt_tokens_details") or get(body, "usage.prompt_tokens_details")
        counted = (member(details, "cache_creation_tokens"), member(details, "cache_write_tokens"))
        if op.cache_creation_tokens and op.input_tokens is not None and counted == (None, None):
            op.input_tokens += op.cache_creation_tokens  # which older versions leave out


class Texts(_Answered, openai_chat.Completions):
    """`text_completion`. Its stream leaves out the usage that the stream below it got."""

    def response(self, op: Operation, body: Any) -> None:
        below = reversed(items(get(body, "source"), "chunks"))
        usage = next((usage for chunk in below if (usage := member(chunk, "usage")) is not None), None)
        super().response(op, body if usage is None else {**body, "usage": usage})


class Embeddings(_Answered, openai.Embeddings):
    """`embedding`."""


class Rerank(_Answered, cohere.Rerank):
    """`rerank`."""


class Responses(_Answered, openai_responses.Responses):
    """`responses`."""


class Images(_Answered, openai_media.Images):
    """`image_generation`."""


_READERS: Mapping[str, tuple[Reader, tuple[str, ...]]] = {  # function → its reader, and its positional arguments
    "completion": (Chat(), ("model", "messages")),
    "text_completion": (Texts(), ("prompt", "model")),
    "embedding": (Embeddings(), ("model", "input")),
    "rerank": (Rerank(), ("model", "query", "documents", "custom_llm_provider", "top_n")),
    "responses": (Responses(), ("input", "model")),
    "image_generation": (Images(), ("prompt", "model")),
}
_IN_MAIN = ("completion", "text_completion", "embedding")
_STREAMS = {
    "litellm.litellm_core_utils.streaming_handler:CustomStreamWrapper": ("__next__", "__anext__"),
    "litellm:TextCompletionStreamWrapper": ("__next__", "__anext__"),
    "litellm.responses.streaming_iterator:ResponsesAPIStreamingIterator": ("__anext__",),
    "litellm.responses.streaming_iterator:SyncResponsesAPIStreamingIterator": ("__next__",),
}


def _cause(call: Call) -> int | BaseException | None:
    """Why an attempt failed: the connection's error, if it is one's, for which LiteLLM makes up a status; else that."""
    error = call.named("model", "original_exception").get("original_exception")
    made = type(error).__module__ == "litellm.exceptions"
    if error is None or (made and (error.__cause__ or error.__context__)):  # of one that was seen before
        return None
    for each in _causes(error):
        if type(each).__module__.startswith("httpx") and getattr(each, "response", None) is None:
            return each
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _points() -> Iterator[Patch]:
    for function in _READERS:
        for name in (function, f"a{function}"):
            yield Patch(f"litellm:{name}", optional=function == "responses")
            if function in _IN_MAIN:  # which is not the same function where LiteLLM dispatches to several
                yield Patch(f"litellm.main:{name}")
    for stream, steps in _STREAMS.items():
        for step in steps:
            yield Patch(f"{stream}.{step}", "step", optional="responses" in stream)
        for close in ("close", "aclose"):
            yield Patch(f"{stream}.{close}", "close", optional=True)
    logging = "litellm.litellm_core_utils.litellm_logging:Logging"
    yield Patch(f"{logging}.update_environment_variables", "attempt")
    yield Patch(f"{logging}.pre_call", "seen")
    yield Patch("litellm.main:exception_type", "failure", failed=_cause)


class LiteLLM(Adapter):
    """The `litellm` package: its functions, sync and async, which all share one shape."""

    patches = tuple(_points())

    def route(self, call: Call) -> Route | None:
        function = call.point.removeprefix("a")
        reader, positional = _READERS[function]
        body = call.named(*positional)
        if body.get(f"a{function}"):  # the asynchronous function's own call of the other one
            return None
        provider, model = self.provider(body.get("model"), body.get("custom_llm_provider"))
        where = body.get("api_base") or body.get("base_url") or member(body.get("client"), "base_url")
        return Route(reader, {**body, "model": model}, provider, *server(str(where or "")))

    def provider(self, model: Any, told: Any) -> tuple[str, str | None]:
        """Who answers, and by which name he knows the model, as far as both can be told before the call."""
        if not isinstance(model, str):
            return str(told or "litellm"), None
        litellm: Any = sys.modules["litellm"]
        first, _, rest = model.partition("/")
        if rest and first in litellm.provider_list:
            told, model = told or first, rest
        return _name(told or get(litellm.model_cost.get(model), "litellm_provider")), model

    def saw(self, call: Call, result: Any, running: Running | None) -> None:  # noqa: ARG002
        """LiteLLM is about to send a request, and knows where to: of several attempts the last one counts."""
        if running is None:
            return
        details = call.instance.model_call_details
        running.op.provider = _name(details.get("custom_llm_provider"))
        sent = call.named("input", "api_key", "model", "additional_args").get("additional_args")
        address, port = server(str(get(sent, "api_base", "")))
        if address:
            running.op.server_address, running.op.server_port = address, port

    def deliver(self, result: Any, running: Running) -> Any:
        """A stream stays LiteLLM's own object. A client's headers that LiteLLM keeps are those that the client got."""
        running.limits(get(getattr(result, "_hidden_params", None) or {}, "additional_headers"))
        if not (hasattr(result, "__next__") or hasattr(result, "__anext__")):
            running.finish(result)
            return result
        if not hasattr(result, "__dict__"):
            return running.replaced(result)
        if getattr(result, "custom_llm_provider", None) == "cached_response":
            running.seen({"cached": True})
        elif (source := member(result, "completion_stream")) is not None and hasattr(source, "completion_stream"):
            running.seen({"source": source})
        _untie(result)
        running.steps(result)
        return result

    def amend(self, call: Call, body: Any, headers: Mapping[str, str]) -> None:  # noqa: ARG002 - usage is asked for
        if headers and isinstance(call.kwargs, dict):
            call.kwargs["extra_headers"] = {**(call.kwargs.get("extra_headers") or {}), **headers}


def _untie(stream: Any) -> None:
    """LiteLLM's log of the call refers to the stream and the stream to it, so that a dropped one would only end when
    the garbage collector finds the circle. A twin takes the stream's place in the log."""
    twin = object.__new__(type(stream))
    vars(twin).update(vars(stream))
    logs = getattr(sys.modules["litellm"], "error_logs", {})  # of older versions, which keep the last call for ever
    for log in (get(stream, "logging_obj.model_call_details", {}), *logs.values()):
        log.update({key: twin for key, value in log.items() if value is stream})


def _name(told: Any) -> str:
    """The provider's name; in LiteLLM's list of models, families follow on those of Google."""
    known = str(getattr(told, "value", told) or "litellm")
    return _PROVIDERS.get(known.partition("-")[0] if known.startswith("vertex_ai") else known, known)
