"""Hugging Face's inference clients: chat, text generation, feature extraction, whichever provider serves them.

Not the other tasks of its clients, nor its hub. Of a request the client tells only when it is being prepared who gets
it, so that this is known of an operation only then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route, Running
from throughline.adapters.openai_chat import Compatible
from throughline.operation import Operation, fitting
from throughline.parts import get, member, message, text, texts_in
from throughline.servers import server

_PROVIDERS = {  # as Hugging Face calls them → as the conventions or, of those they do not know, the price list do
    "auto": "huggingface",
    "fireworks-ai": "fireworks",
    "hf-inference": "huggingface",
}
_FINISH_REASONS = {"eos_token": "stop", "stop_sequence": "stop"}


class Chat(Compatible):
    """`chat_completion`."""

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, _opened(body))
        if op.finish_reasons:
            op.finish_reasons = [_FINISH_REASONS.get(reason, reason) for reason in op.finish_reasons]

    def response_content(self, op: Operation, body: Any) -> None:
        super().response_content(op, _opened(body))

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        ends = chunk.usage is not None or any(choice.finish_reason is not None for choice in chunk.choices)
        if ends or "model" not in whole:
            super().fold(whole, _opened(chunk))

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        super().fold_content(whole, _opened(chunk))


def _opened(value: Any) -> Any:
    """With all that the server said: of what is inside, the client's object has as a dict only what it knows."""
    if isinstance(value, dict):
        return {key: _opened(inner) for key, inner in {**value, **getattr(value, "__dict__", {})}.items()}
    return [_opened(inner) for inner in value] if isinstance(value, list) else value


class Generation(Reader):
    """`text_generation`, which gives a text, or, asked for details, an object."""

    operation = "text_completion"
    params = {
        "model": "model",
        "stream": "stream",
        "max_tokens": "max_new_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "stop_sequences": "stop",
    }
    results = {"input_tokens": "details.input_length", "output_tokens": "details.generated_tokens"}

    def request_content(self, op: Operation, body: Any) -> None:
        if prompt := fitting(get(body, "prompt"), str):
            op.input = [message("user", [text(prompt)])]

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if reason := fitting(get(body, "details.finish_reason"), str):
            op.finish_reasons = [_FINISH_REASONS.get(reason, reason)]

    def response_content(self, op: Operation, body: Any) -> None:
        said = body if isinstance(body, str) else fitting(get(body, "generated_text"), str)
        if said is not None:
            reason = next(iter(op.finish_reasons or ()), "stop" if op.end_reason == "completed" else op.end_reason)
            op.output = [message("assistant", [text(said)], finish_reason=reason or "error")]

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        if not isinstance(chunk, str) and (details := member(chunk, "details")) is not None:
            whole["details"] = details

    def fold_content(self, whole: dict[str, Any], chunk: Any) -> None:
        said = chunk if isinstance(chunk, str) else get(chunk, "token.text", "")
        if isinstance(chunk, str) or not get(chunk, "token.special"):
            whole["generated_text"] = whole.get("generated_text", "") + said


class Features(Reader):
    """`feature_extraction`."""

    operation = "embeddings"
    params = {"model": "model", "dimension_count": "dimensions"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if encoding := fitting(get(body, "encoding_format"), str):
            op.encoding_formats = [encoding]

    def request_content(self, op: Operation, body: Any) -> None:
        texts = texts_in(body, "text")
        op.input = [message("user", [text(t) for t in texts])] if texts else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        if shape := getattr(body, "shape", ()):
            op.dimension_count = int(shape[-1])


_READERS: Mapping[str, tuple[Reader, str]] = {
    "chat_completion": (Chat(), "messages"),
    "text_generation": (Generation(), "prompt"),
    "feature_extraction": (Features(), "text"),
}
_CLIENTS = {
    "huggingface_hub.inference._client": "InferenceClient",
    "huggingface_hub.inference._generated._async_client": "AsyncInferenceClient",
}
_HELPERS = "huggingface_hub.inference._providers._common"


class HuggingFace(Adapter):
    """The `huggingface_hub` package."""

    coarse = frozenset({"HfHubHTTPError"})

    @property
    def patches(self) -> Iterable[Patch]:  # type: ignore[override]
        points = [(module, f"{client}.{name}") for module, client in _CLIENTS.items() for name in _READERS]
        calls = [Patch(f"{module}:{path}", late=module not in sys.modules) for module, path in points]
        return [
            *calls,
            Patch(f"{_HELPERS}:TaskProviderHelper.prepare_request", "seen", late=_HELPERS not in sys.modules),
        ]

    def route(self, call: Call) -> Route | None:
        reader, asked = _READERS[call.point.partition(".")[2]]
        client, body = call.instance, call.named(asked)
        model, own = body.get("model") or client.model, getattr(client, "base_url", None)
        if isinstance(model, str) and model.startswith(("http://", "https://")):  # the address of an own server
            model, own = None, model
        return Route(reader, {**body, "model": model}, self.provider(client, ""), *server(own or ""))

    def provider(self, client: Any, host: str) -> str:  # noqa: ARG002 - a partner may be reached by the hub's router
        """Who serves this client's requests, or this request's helper."""
        told = str(getattr(client, "provider", None) or "auto")
        return _PROVIDERS.get(told, told)

    def saw(self, call: Call, result: Any, running: Running | None) -> None:
        """The request was prepared: now it is known where it goes."""
        if running is None:
            return
        running.op.provider = self.provider(call.instance, "")
        running.op.server_address, running.op.server_port = server(str(result.url))
        if running.op.model is None:
            running.op.model = fitting(get(result.json, "model"), str)

    def deliver(self, result: Any, running: Running) -> Any:
        """A stream is a bare generator."""
        if hasattr(result, "__next__") or hasattr(result, "__anext__"):
            return running.replaced(result)
        running.finish(result)
        return result
