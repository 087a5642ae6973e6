"""Whose instrumentation each client's is compared with, and on which exchanges. Imports no client and no rival."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONTENT = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}


@dataclass(frozen=True, slots=True)
class Rival:
    """One client, its tests' `Client` classes, and the instrumentation that covers it too."""

    instrumentor: str
    """`module:Class`, or several with `,` between them; empty: the client's own spans."""
    clients: str
    """`module:Class,Class`, in the folder of the tests."""
    environment: Mapping[str, str] = field(default_factory=lambda: CONTENT)
    overlays: tuple[str, ...] = ()
    """What else has to stand on the path, of `.parts/clients`."""

    @property
    def native(self) -> bool:
        return not self.instrumentor

    def instrumentors(self) -> list[Any]:
        return [_load(name)() for name in self.instrumentor.split(",") if name]

    def families(self) -> list[Any]:
        module, _, classes = self.clients.partition(":")
        return [_load(f"instrumentation.{module}:{name}")() for name in classes.split(",")]


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


_OFFICIAL = "opentelemetry.instrumentation"
RIVALS = {
    "openai": Rival(
        f"{_OFFICIAL}.genai.openai:OpenAIInstrumentor",
        "openai_client.joined:Chat,Responses,Embeddings,Completions,Images,Transcriptions,Speech,Moderations,Fetches",
    ),
    "anthropic": Rival(f"{_OFFICIAL}.genai.anthropic:AnthropicInstrumentor", "anthropic_client.wire:Anthropic"),
    "anthropic-native": Rival(
        "",
        "anthropic_client.wire:Anthropic",
        {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"},
    ),
    "google_genai": Rival(
        f"{_OFFICIAL}.google_genai:GoogleGenAiSdkInstrumentor", "google_genai_client.wire:GoogleGenAI,Embeddings"
    ),
    "bedrock": Rival(
        f"{_OFFICIAL}.botocore:BotocoreInstrumentor",
        "bedrock_client.wire:Bedrock,InvokeModel,KnowledgeBase,Generation",
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"},
    ),
    "mistralai": Rival(  # it cannot import a newer client
        f"{_OFFICIAL}.mistralai:MistralAiInstrumentor",
        "mistral_client.wire:Mistral,FillIn,Agents,Embeddings",
        overlays=("mistralai-oldest",),
    ),
    "mistralai-native": Rival(
        "", "mistral_client.wire:Mistral,FillIn,Agents,Embeddings", {"MISTRAL_SDK_TELEMETRY": "global"}
    ),
    "cohere": Rival(
        f"{_OFFICIAL}.cohere:CohereInstrumentor", "cohere_client.wire:Cohere,First,Generate,Embeddings,Rerank"
    ),
    "ollama": Rival(f"{_OFFICIAL}.ollama:OllamaInstrumentor", "ollama_client.wire:Ollama,Generate,Embeddings"),
    "qdrant": Rival(f"{_OFFICIAL}.qdrant:QdrantInstrumentor", "qdrant_client.wire:Qdrant"),
    "chromadb": Rival(
        f"{_OFFICIAL}.chromadb:ChromaInstrumentor", "chroma_client.wire:Chroma", overlays=("chromadb-newest",)
    ),
    "elasticsearch-native": Rival("", "elasticsearch_client.wire:Elasticsearch"),
    "langchain": Rival(f"{_OFFICIAL}.genai.langchain:LangChainInstrumentor", "langchain_client.wire:Chat,Text"),
    "litellm": Rival(
        "openinference.instrumentation.litellm:LiteLLMInstrumentor",
        "litellm_client.wire:LiteLLM,Embeddings,Texts",
        {"OPENINFERENCE_ENABLE_GENAI_SEMCONV": "true"},
    ),
    "mcp": Rival(  # it does not know the newer client's points
        f"{_OFFICIAL}.mcp:McpInstrumentor", "oracle.mcp_sessions:Sessions", overlays=("mcp-oldest",)
    ),
    "mcp-native": Rival("", "oracle.mcp_sessions:Sessions"),
    "openai_agents": Rival(f"{_OFFICIAL}.genai.openai_agents:OpenAIAgentsInstrumentor", "oracle.agent_runs:Runs"),
    "langgraph": Rival(f"{_OFFICIAL}.genai.langchain:LangChainInstrumentor", "oracle.graph_runs:Graphs"),
    "groq": Rival(f"{_OFFICIAL}.groq:GroqInstrumentor", "groq_client.wire:Groq,Embeddings"),
}
