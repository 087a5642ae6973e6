"""OpenAI's client, for OpenAI, Azure and every compatible server: who reads which endpoint, who answers where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from throughline.adapter import Call, Reader, Route
from throughline.adapters.openai_chat import Chat, Completions
from throughline.adapters.openai_media import Images, Moderations, Speech, Transcriptions
from throughline.adapters.openai_responses import Fetch, Responses
from throughline.adapters.stainless import StainlessAdapter, options_of
from throughline.operation import Operation
from throughline.parts import get, message, text, texts_in

_FETCHED = "/responses/"


class Embeddings(Reader):
    """`/embeddings`."""

    operation = "embeddings"
    params = {"model": "model", "dimension_count": "dimensions"}
    results = {"response_model": "model", "input_tokens": "usage.prompt_tokens"}

    def request(self, op: Operation, body: Any) -> None:
        super().request(op, body)
        if encoding := get(body, "encoding_format"):
            op.encoding_formats = [encoding]

    def request_content(self, op: Operation, body: Any) -> None:
        texts = texts_in(body, "input")
        op.input = [message("user", [text(t) for t in texts])] if texts else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        vector = get(body, "data.0.embedding")
        if isinstance(vector, list):
            op.dimension_count = len(vector)


class OpenAI(StainlessAdapter):
    """The `openai` package, 1.40 and later."""

    base = "openai._base_client"
    endpoints = {
        "/chat/completions": Chat(),
        "/responses": Responses(),
        "/embeddings": Embeddings(),
        "/completions": Completions(),
        "/images/generations": Images(),
        "/images/edits": Images(),
        "/images/variations": Images(),
        "/audio/speech": Speech(),
        "/audio/transcriptions": Transcriptions(),
        "/audio/translations": Transcriptions(),
        "/moderations": Moderations(),
    }
    fetch = Fetch()

    hosts: Mapping[str, str] = {
        "aiplatform.googleapis.com": "gcp.vertex_ai",
        "api.anthropic.com": "anthropic",
        "api.cerebras.ai": "cerebras",
        "api.cohere.ai": "cohere",
        "api.cohere.com": "cohere",
        "api.deepseek.com": "deepseek",
        "api.fireworks.ai": "fireworks",
        "api.groq.com": "groq",
        "api.mistral.ai": "mistral_ai",
        "api.moonshot.ai": "moonshot_ai",
        "api.moonshot.cn": "moonshot_ai",
        "api.novita.ai": "novita",
        "api.perplexity.ai": "perplexity",
        "api.together.ai": "together",
        "api.together.xyz": "together",
        "api.x.ai": "x_ai",
        "cognitiveservices.azure.com": "azure.ai.openai",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "inference.baseten.co": "baseten",
        "openai.azure.com": "azure.ai.openai",
        "openai.azure.us": "azure.ai.openai",
        "openrouter.ai": "openrouter",
        "router.huggingface.co": "huggingface",
        "services.ai.azure.com": "azure.ai.openai",
    }
    """Who answers there. The conventions' enum is open: sellers that it does not know have the names of the price list,
    so that no dashboard takes them for OpenAI. A host of nobody's, such as one's own vLLM, stays `openai`, the format,
    as the conventions have it; the price list goes by the host and has no price for it."""

    def route(self, call: Call) -> Route | None:
        options = options_of(call)
        if options.method == "get":
            return self._fetched(call, options)
        return super().route(call)

    def _fetched(self, call: Call, options: Any) -> Route | None:
        path = options.url.partition("?")[0]
        if not path.startswith(_FETCHED) or "/" in path[len(_FETCHED) :]:
            return None
        asked = options.params if isinstance(options.params, Mapping) else {}
        return Route(self.fetch, {**asked, "response_id": path[len(_FETCHED) :]}, *self._endpoint(call.instance))

    def provider(self, client: Any, host: str) -> str:
        if "Azure" in type(client).__name__:
            return "azure.ai.openai"
        if host.startswith("bedrock") and host.endswith(".amazonaws.com"):
            return "aws.bedrock"
        return next((name for end, name in self.hosts.items() if f".{host}".endswith(f".{end}")), "openai")
