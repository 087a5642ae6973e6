"""OpenAI's client, for OpenAI, Azure and every compatible server: who reads which endpoint, who answers where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from throughline.adapter import Reader
from throughline.adapters.openai_chat import Chat
from throughline.adapters.openai_responses import Responses
from throughline.adapters.stainless import StainlessAdapter
from throughline.operation import Operation
from throughline.parts import get, items, message, text


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
        given = get(body, "input")
        texts = [given] if isinstance(given, str) else [t for t in items(body, "input") if isinstance(t, str)]
        op.input = [message("user", [text(t) for t in texts])] if texts else None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        vector = get(body, "data.0.embedding")
        if isinstance(vector, list):
            op.dimension_count = len(vector)


class OpenAI(StainlessAdapter):
    """The `openai` package, 1.40 and later."""

    base = "openai._base_client"
    endpoints = {"/chat/completions": Chat(), "/embeddings": Embeddings(), "/responses": Responses()}

    hosts: Mapping[str, str] = {
        "aiplatform.googleapis.com": "gcp.vertex_ai",
        "api.anthropic.com": "anthropic",
        "api.cohere.ai": "cohere",
        "api.cohere.com": "cohere",
        "cognitiveservices.azure.com": "azure.ai.openai",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "openai.azure.com": "azure.ai.openai",
        "openai.azure.us": "azure.ai.openai",
        "services.ai.azure.com": "azure.ai.openai",
        "api.deepseek.com": "deepseek",
        "api.groq.com": "groq",
        "api.mistral.ai": "mistral_ai",
        "api.moonshot.ai": "moonshot_ai",
        "api.moonshot.cn": "moonshot_ai",
        "api.perplexity.ai": "perplexity",
        "api.x.ai": "x_ai",
    }

    def provider(self, client: Any, host: str) -> str:
        if "Azure" in type(client).__name__:
            return "azure.ai.openai"
        if host.startswith("bedrock") and host.endswith(".amazonaws.com"):
            return "aws.bedrock"
        return next((name for suffix, name in self.hosts.items() if host.endswith(suffix)), "openai")
